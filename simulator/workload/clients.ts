import type { SimulatedCluster, SimulatedNode } from '../cluster.ts';
import { eventKinds } from '../../src/testing/world/event-kinds.ts';
import type { PlannedOperation } from '../faults/schedule.ts';
import type { ClientOutcome, ClientRequest } from '../hosts/host.ts';
import type { AnswerJudge } from '../invariants/appended-is-never-refused.ts';
import type { World } from '../world.ts';
import type { Attempt, Ledger } from './ledger.ts';

/** Refused requests are tried again so often, at another node, and then given up. */
const attemptsMax = 10;
/** The delay before a retry; it doubles from the fourth on, as clients' back-off does. */
const retryDelayUs = 40_000;
const retryDelayMaxUs = 320_000;
const requestDelayUs = 100;

/** A request, and optionally who waits for its answer. */
type Operation = PlannedOperation & { readonly onDone?: () => void };

type Pending = {
  readonly node: SimulatedNode;
  /** Which node that was, as its client counts. */
  readonly preferred: number;
  readonly operation: Operation;
  readonly tries: number;
  readonly askedAtUs: number;
};

/**
 * Clients of one cluster. Each asks the node that answered it last, tries another when it is refused, and
 * never tries a write again whose outcome it does not know.
 */
export class Clients {
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #ledger: Ledger;
  readonly #judges: readonly AnswerJudge[];
  readonly #preferred = new Map<number, number>();
  /** The request with which a client looks for the leader, after one was refused. */
  readonly #searching = new Map<number, Operation>();
  readonly #pending = new Map<Attempt, Pending>();

  constructor(world: World, cluster: SimulatedCluster, ledger: Ledger, judges: readonly AnswerJudge[]) {
    this.#world = world;
    this.#cluster = cluster;
    this.#ledger = ledger;
    this.#judges = judges;
  }

  /** Requests that wait for a node's answer. */
  get pending(): ReadonlyMap<Attempt, Pending> {
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
    for (const [attempt, pending] of this.#pending) {
      if (pending.node === node) this.#answer(attempt, { kind: 'unknown' });
    }
  }

  #try(operation: Operation, tries: number): void {
    const { client, onDone } = operation;
    const searching = this.#searching.get(client);
    // While one request looks for the leader, the client holds the others back.
    if (searching !== undefined && searching !== operation && onDone === undefined) return;
    const { nodes } = this.#cluster;
    const preferred = this.#preferred.get(client) ?? client;
    const node = nodes[preferred % nodes.length];
    const host = node?.host ?? null;
    if (node === undefined || host === null || node.view === null) {
      this.#retry(operation, tries, preferred);
      return;
    }
    const request = this.#request(operation);
    const attempt = this.#ledger.begin(request, node.index);
    this.#pending.set(attempt, { node, preferred, operation, tries, askedAtUs: this.#world.nowUs });
    // As an event of the process, so that a paused one takes the request when it goes on.
    node.process.schedule(requestDelayUs, eventKinds.client, () => {
      this.#world.say(() => `${node.process.name} is asked ${JSON.stringify(request)}`, true);
      host.submit(request, (outcome) => this.#answer(attempt, outcome));
    });
  }

  #request(operation: PlannedOperation): ClientRequest {
    const { kind, key, padding } = operation;
    const attempt = this.#ledger.nextAttempt;
    return kind === 'write' ? { kind, attempt, key, padding } : { kind, attempt, key };
  }

  #retry(operation: Operation, tries: number, tried: number): void {
    const { client, onDone } = operation;
    const before = this.#preferred.get(client) ?? client;
    // Of several that wait side by side one moves on, or together they would pass by every other node for ever.
    if (onDone === undefined || before === tried) this.#preferred.set(client, before + 1);
    if (tries >= attemptsMax && onDone === undefined) {
      this.#searching.delete(client);
      return;
    }
    this.#searching.set(client, operation);
    this.#world.schedule(delayAfter(tries), eventKinds.client, () => this.#try(operation, tries + 1));
  }

  #answer(attempt: Attempt, outcome: ClientOutcome): void {
    const pending = this.#pending.get(attempt);
    const { request } = attempt;
    if (pending === undefined) {
      return this.#world.fail('one answer for each request', `request ${request.attempt} is answered twice`);
    }
    this.#pending.delete(attempt);
    const isMoved = outcome.kind === 'refused' && !outcome.isFinal;
    if (!isMoved) {
      const { node, askedAtUs } = pending;
      const text = (): string => `answers ${JSON.stringify(request)} with ${JSON.stringify(outcome)}`;
      this.#world.mark(node.process, 'answer', text);
      this.#world.recorder?.request(node.process.index, askedAtUs, text());
    }
    // A node may answer in the very event in which it commits: what it says of itself is looked at first.
    this.#cluster.observation.lookAt(pending.node);
    const noted = outcome.kind === 'written' || outcome.kind === 'read' ? outcome.offset : -1;
    this.#world.trace.note(eventKinds.answer, request.attempt, request.key, noted);
    for (const judge of this.#judges) judge.judge(attempt, outcome);
    this.#ledger.settle(attempt, outcome);
    this.#goOn(pending, outcome);
  }

  #goOn({ operation, tries, preferred }: Pending, outcome: ClientOutcome): void {
    // A request that somebody waits for is made again under a new number, even when its outcome is unknown.
    const isRetried =
      (outcome.kind === 'refused' && !outcome.isFinal) ||
      (outcome.kind === 'unknown' && operation.onDone !== undefined);
    if (isRetried) {
      this.#retry(operation, tries, preferred);
      return;
    }
    this.#searching.delete(operation.client);
    operation.onDone?.();
  }
}

function delayAfter(tries: number): number {
  return Math.min(retryDelayMaxUs, retryDelayUs * 2 ** Math.max(0, tries - 3));
}
