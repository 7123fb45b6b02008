import type { ControllerAnswer, ControllerRequest } from '../../../src/runtime/controller-api.ts';
import type { SimulatedCluster, SimulatedNode } from '../../cluster.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { World } from '../../world.ts';

/** What one exchange with one node came to. */
export type ExchangeOutcome =
  | { readonly type: 'answer'; readonly answer: ControllerAnswer }
  /** Nobody listened: nothing was sent. */
  | { readonly type: 'unreachable' }
  /** It was sent, and no answer came. */
  | { readonly type: 'lost' };

/** Looks at requests as they arrive at a node, and at its answers as it gives them. */
export type ExchangeJudge = {
  arrived(request: ControllerRequest, node: SimulatedNode): void;
  answering(request: ControllerRequest, answer: ControllerAnswer, node: SimulatedNode): void;
};

/** A connection to a node that is down is refused after so long. */
const refusalUs = 300;

type Open = { readonly node: SimulatedNode; settle(outcome: ExchangeOutcome): void };

/**
 * Requests of clients and brokers to controllers, as HTTP carries them: over the network, with a timeout,
 * and with a connection that breaks when the node dies. Each is settled once.
 */
export class Exchanges {
  readonly judges: ExchangeJudge[] = [];
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #open = new Set<Open>();
  readonly #asked = new Map<string, number>();

  constructor(world: World, cluster: SimulatedCluster) {
    this.#world = world;
    this.#cluster = cluster;
  }

  get nodeCount(): number {
    return this.#cluster.nodes.length;
  }

  /** Requests whose askers still wait. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Which operations arrived at a node, for coverage. */
  marks(): readonly (readonly [string, number])[] {
    return [...this.#asked].map(([operationId, count]) => [`asked: ${operationId}`, count] as const);
  }

  send(
    from: SimulatedProcess,
    index: number,
    request: ControllerRequest,
    complete: (outcome: ExchangeOutcome) => void,
  ): void {
    const node = this.#cluster.nodes[index % this.nodeCount];
    const { network } = this.#world;
    if (node === undefined || !node.process.isUp) {
      from.schedule(refusalUs, eventKinds.client, () => complete({ type: 'unreachable' }));
      return;
    }
    const { generation } = from;
    const timeoutUs = (request.timeoutMs + answerTravelMs) * 1000;
    const timer = from.schedule(timeoutUs, eventKinds.client, () => open.settle({ type: 'lost' }));
    const open: Open = {
      node,
      settle: (outcome) => {
        if (!this.#open.delete(open)) return;
        timer.cancel();
        // Whoever has asked may be gone, and another life of the process never asked.
        if (from.generation === generation) complete(outcome);
      },
    };
    this.#open.add(open);
    network.carry(from, node.process, () => {
      const { host } = node;
      // It listens already, and has not begun to answer: the connection closes again.
      if (host === null || host.call === null) return;
      this.#asked.set(request.operationId, (this.#asked.get(request.operationId) ?? 0) + 1);
      for (const judge of this.judges) judge.arrived(request, node);
      host.call(request, (answer) => {
        // A node may answer in the very event in which it commits: what it says of itself is looked at first.
        this.#cluster.observation.lookAt(node);
        const { trace } = this.#world;
        trace.note(eventKinds.answer, from.index, node.index, answer.result.ok ? 1 : 0);
        for (const judge of this.judges) judge.answering(request, answer, node);
        network.carry(node.process, from, () => open.settle({ type: 'answer', answer }));
      });
    });
  }

  /** Its connections break, and whoever waited learns it at once. */
  nodeEnded(node: SimulatedNode): void {
    for (const open of this.#open) {
      if (open.node === node)
        this.#world.schedule(refusalUs, eventKinds.client, () => open.settle({ type: 'lost' }));
    }
  }
}

/** The server gives up this much earlier, so that its answer still arrives. */
const answerTravelMs = 200;
