import { assert } from '../../base/assert.ts';

/** How long an endpoint that failed is asked only when nothing better is left. */
const avoidForMs = 1_000;

/** How often, at most, an endpoint is asked who it is while the leader's is being looked for. */
const lookAgainAfterMs = 5_000;

type EndpointState = {
  /** The controller that answered there last; null before the first answer. */
  nodeId: number | null;
  avoidUntilMs: number;
  lookAgainAtMs: number;
};

/**
 * Which of the endpoints to ask. Any node answers any request, yet the leader answers without a hop, so
 * the client stays with the leader's endpoint once it knows which that is.
 *
 * Invariants
 * 1. `choose` always names one of the endpoints, however many of them fail.
 * 2. An endpoint that failed lately is chosen only when all have.
 */
export class Endpoints {
  readonly #states: readonly EndpointState[];
  #preferred: number;

  /** `first`: where to begin; a random one spreads clients over the nodes. */
  constructor(count: number, first: number) {
    assert(count >= 1, 'a client needs at least one endpoint');
    assert(Number.isInteger(first) && first >= 0 && first < count, `no endpoint ${first} among ${count}`);
    this.#states = Array.from({ length: count }, () => ({
      nodeId: null,
      avoidUntilMs: 0,
      lookAgainAtMs: 0,
    }));
    this.#preferred = first;
  }

  get count(): number {
    return this.#states.length;
  }

  choose(nowMs: number): number {
    const { length } = this.#states;
    for (let step = 0; step < length; step++) {
      const index = (this.#preferred + step) % length;
      if (this.#isUsable(index, nowMs)) return index;
    }
    return this.#preferred;
  }

  /** An answer arrived from `index`, with what its headers say. */
  answered(index: number, nodeId: number | null, leaderId: number | null, nowMs: number): void {
    const state = this.#stateOf(index);
    state.nodeId = nodeId ?? state.nodeId;
    state.avoidUntilMs = 0;
    if (leaderId === null) return;
    const leader = this.#states.findIndex((each) => each.nodeId === leaderId);
    if (leader >= 0 && this.#isUsable(leader, nowMs)) this.#preferred = leader;
  }

  /**
   * An endpoint to ask who it is, beside the calls and without harm to them, because answers name a leader
   * that is not known to be at any: a follower answers as well, and would be asked for ever. Null when there
   * is nothing to find out, or all were asked lately.
   */
  toLookAt(leaderId: number | null, nowMs: number): number | null {
    if (leaderId === null || this.#states.some((state) => state.nodeId === leaderId)) return null;
    const index = this.#states.findIndex((state) => state.lookAgainAtMs <= nowMs);
    if (index < 0) return null;
    this.#stateOf(index).lookAgainAtMs = nowMs + lookAgainAfterMs;
    return index;
  }

  /** It was asked who it is. */
  learned(index: number, nodeId: number): void {
    this.#stateOf(index).nodeId = nodeId;
  }

  /** Nothing good came from `index`: go on with the next one. */
  failed(index: number, nowMs: number): void {
    this.#stateOf(index).avoidUntilMs = nowMs + avoidForMs;
    if (this.#preferred === index) this.#preferred = (index + 1) % this.#states.length;
  }

  #isUsable(index: number, nowMs: number): boolean {
    return this.#stateOf(index).avoidUntilMs <= nowMs;
  }

  #stateOf(index: number): EndpointState {
    const state = this.#states[index];
    assert(state !== undefined, `there is no endpoint ${index}`);
    return state;
  }
}
