import { epoch, nodeId } from '../../../src/base/brands.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { operationsById, type RegisteredOperation } from '../../../src/metadata/operations.ts';
import type { ForwardMessage, PeerMessage, Transport } from '../../../src/ports/transport.ts';
import { Deadlines } from '../../../src/runtime/answers/deadlines.ts';
import type { ControllerAnswer, ControllerRequest } from '../../../src/runtime/controller-api.ts';
import { Forwarder } from '../../../src/runtime/forwarding.ts';
import { ReadQueue } from '../../../src/runtime/reads.ts';
import type { PastState } from '../../../src/runtime/requests/past-images.ts';
import { RequestRouter } from '../../../src/runtime/requests/request-router.ts';
import { BrokerSessions } from '../../../src/runtime/sessions/broker-sessions.ts';
import { clusterId, TestCluster } from '../../metadata/cluster.ts';
import { VirtualProcess } from './clock.ts';
import { TestLeader } from './operations.ts';

/** A router with a leader elsewhere (node 1), or with this node (node 0) as the leader. */
export class RouterHost extends VirtualProcess {
  image = new TestCluster().image;
  readonly leading: TestLeader | null;
  readonly sent: [number, PeerMessage][] = [];
  readonly forwarder: Forwarder;
  readonly router: RequestRouter;
  readonly reads = new ReadQueue(this.clock, (barrierId) => this.barriers.push(barrierId));
  readonly barriers: number[] = [];
  /** What the quorum's core was asked for. */
  readonly asked: string[] = [];
  readonly rejected: string[] = [];
  readonly answers: ControllerAnswer[] = [];
  /** Time that operations have taken, by the router's clock. */
  workedMs = 0;
  lowOnSpace = false;
  /** What this node keeps of the past, by offset; the present is always there. */
  readonly past = new Map<number, PastState>();
  leaderId: number | null = 1;

  constructor(
    options: { readonly leads?: boolean; readonly operations?: readonly RegisteredOperation[] } = {},
  ) {
    super();
    this.leading = options.leads === true ? new TestLeader(this.image) : null;
    const transport: Transport = {
      send: (to, message) => this.sent.push([to, message]),
      setEndpoints: () => {},
      close: (complete) => complete(),
    };
    this.forwarder = new Forwarder(transport, this.clock, seededRandom(1));
    const given = (options.operations ?? []).map((operation) => [operation.operationId, operation] as const);
    this.router = new RequestRouter({
      view: {
        nodeId: nodeId(0),
        clusterId,
        image: () => this.image,
        header: () => ({
          offset: this.image.endOffset,
          epoch: epoch(1),
          leaderId: this.leaderId === null ? null : nodeId(this.leaderId),
        }),
        proposer: () => this.leading?.proposer ?? null,
        lowOnSpace: () => this.lowOnSpace,
        quorum: () => ({ supported: [], kraftVersion: 1, voters: [], isChanging: false }),
      },
      operations: new Map([...operationsById, ...given]),
      forwarder: this.forwarder,
      reads: this.reads,
      quorumOperations: {
        execute: (operationId, _request, reply) => {
          this.asked.push(operationId);
          reply.succeed({}, this.image.endOffset, null);
        },
      },
      sessions: new BrokerSessions(1_000),
      deadlines: new Deadlines(this.clock),
      past: {
        applied: () => undefined,
        find: (at, complete) => complete(this.past.get(at) ?? this.#present(at)),
        waitingCount: 0,
        close: () => undefined,
      },
      clock: { ...this.clock, monotonicMs: () => this.clock.monotonicMs() + this.workedMs },
      random: seededRandom(1),
      onRejected: (operationId) => this.rejected.push(operationId),
    });
  }

  route(
    operationId: string,
    changes: Partial<ControllerRequest> = {},
    isForwarded = false,
    answered: () => void = () => undefined,
  ): void {
    const request: ControllerRequest = {
      requestId: 1,
      operationId,
      input: { params: {}, query: {}, body: {} },
      principal: 'tester',
      idempotencyKey: null,
      consistency: 'linearizable',
      minOffset: null,
      ifMatch: null,
      timeoutMs: 1_000,
      ...changes,
    };
    this.router.route(request, isForwarded, (answer) => {
      this.answers.push(answer);
      answered();
    });
  }

  #present(at: number): PastState {
    const { endOffset } = this.image;
    return at === endOffset
      ? { kind: 'there', image: this.image }
      : { kind: 'gone', oldest: endOffset, newest: endOffset };
  }

  codes(): readonly string[] {
    return this.answers.map(({ result }) => (result.ok ? 'ok' : result.code));
  }

  get forwards(): readonly ForwardMessage[] {
    return this.sent.flatMap(([, message]) => (message.channel === 'forward' ? [message.message] : []));
  }
}
