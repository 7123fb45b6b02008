import type { SimulatedCluster, SimulatedNode } from '../cluster.ts';
import { eventKinds } from '../event-kinds.ts';
import type { PlannedOperation } from '../faults/schedule.ts';
import type { ClientOutcome, ClientRequest } from '../hosts/host.ts';
import type { LinearizabilityChecker } from '../invariants/linearizability.ts';
import type { World } from '../world.ts';
import type { Attempt, Ledger } from './ledger.ts';

/** Refused requests are tried again so often, at another node, and then given up. */
const attemptsMax = 10;
const retryDelayUs = 150_000;
const requestDelayUs = 100;

/** A request, and optionally who waits for its answer. */
type Operation = PlannedOperation & { readonly onDone?: () => void };

/**
 * Clients of one cluster. Each asks the node that answered it last, tries another when it is refused, and
 * never tries a write again whose outcome it does not know.
 */
export class Clients {
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #ledger: Ledger;
  readonly #judge: LinearizabilityChecker;
  readonly #preferred = new Map<number, number>();
  readonly #pending = new Map<Attempt, SimulatedNode>();

  constructor(world: World, cluster: SimulatedCluster, ledger: Ledger, judge: LinearizabilityChecker) {
    this.#world = world;
    this.#cluster = cluster;
    this.#ledger = ledger;
    this.#judge = judge;
  }

  /** Requests that wait for a node's answer. */
  get pending(): ReadonlyMap<Attempt, SimulatedNode> {
    return this.#pending;
  }

  plan(operations: readonly Operation[]): void {
    for (const operation of operations) {
      this.#world.schedule(operation.atUs - this.#world.nowUs, eventKinds.client, () =>
        this.#try(operation, 1),
      );
    }
  }

  /** The connection to a node that died is lost, and with it what it would have said. */
  nodeEnded(node: SimulatedNode): void {
    for (const [attempt, at] of this.#pending) {
      if (at === node) this.#answer(attempt, { kind: 'unknown' });
    }
  }

  #try(operation: Operation, tries: number): void {
    const { nodes } = this.#cluster;
    const at = (this.#preferred.get(operation.client) ?? operation.client) % nodes.length;
    const node = nodes[at];
    const host = node?.host ?? null;
    if (node === undefined || host === null || node.view === null) {
      this.#retry(operation, tries);
      return;
    }
    const request = this.#request(operation);
    const attempt = this.#ledger.begin(request, node.index);
    this.#pending.set(attempt, node);
    // As an event of the process, so that a paused one takes the request when it goes on.
    node.process.schedule(requestDelayUs, eventKinds.client, () => {
      host.submit(request, (outcome) => {
        this.#answer(attempt, outcome);
        if (outcome.kind === 'refused') this.#retry(operation, tries);
        else operation.onDone?.();
      });
    });
  }

  #request(operation: PlannedOperation): ClientRequest {
    const { kind, key, padding } = operation;
    const attempt = this.#ledger.nextAttempt;
    return kind === 'write' ? { kind, attempt, key, padding } : { kind, attempt, key };
  }

  #retry(operation: Operation, tries: number): void {
    const before = this.#preferred.get(operation.client) ?? operation.client;
    this.#preferred.set(operation.client, before + 1);
    if (tries >= attemptsMax && operation.onDone === undefined) return;
    this.#world.schedule(retryDelayUs, eventKinds.client, () => this.#try(operation, tries + 1));
  }

  #answer(attempt: Attempt, outcome: ClientOutcome): void {
    if (!this.#pending.delete(attempt)) {
      this.#world.fail('one answer for each request', `request ${attempt.request.attempt} is answered twice`);
    }
    const { request } = attempt;
    const noted = outcome.kind === 'written' || outcome.kind === 'read' ? outcome.offset : -1;
    this.#world.trace.note(eventKinds.answer, request.attempt, request.key, noted);
    this.#judge.judge(attempt, outcome);
    this.#ledger.settle(attempt, outcome);
  }
}
