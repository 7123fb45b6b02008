import { nodeId, type NodeId, type Uuid } from '../../../src/base/brands.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { decodePeerMessage, encodePeerMessage } from '../../../src/codec/peer-message.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { LogFields, Logger } from '../../../src/ports/logger.ts';
import type { ForwardMessage, PeerMessage } from '../../../src/ports/transport.ts';
import type { Endpoint, ReplicaKey } from '../../../src/raft/replica-key.ts';
import { defaultTransportLimits, type TransportLimits } from '../../../src/transport/limits.ts';
import type { LookUp } from '../../../src/transport/resolver.ts';
import type { PeerStats } from '../../../src/transport/stats.ts';
import {
  createTcpTransport,
  type TcpTransport,
  type TransportError,
} from '../../../src/transport/tcp-transport.ts';
import type { TlsFiles } from '../../../src/transport/tls.ts';
import { clusterId, directoryOf } from './messages.ts';
import { Recorder } from './recorder.ts';
import { systemClock } from './system-clock.ts';

export type TestEvent =
  | { readonly kind: 'message'; readonly from: ReplicaKey; readonly message: PeerMessage }
  | { readonly kind: 'opened'; readonly peer: NodeId }
  | { readonly kind: 'closed'; readonly peer: NodeId; readonly refused: boolean }
  | { readonly kind: 'forwardDropped'; readonly to: NodeId; readonly message: ForwardMessage };

export type LogLine = { readonly event: string; readonly fields: LogFields };

export type TestNodeOptions = {
  readonly id: number;
  readonly directoryId?: Uuid;
  readonly clusterId?: Uuid | null;
  readonly listen?: Endpoint;
  readonly tls?: TlsFiles;
  readonly insecure?: boolean;
  readonly limits?: Partial<TransportLimits>;
  readonly lookUp?: LookUp;
  readonly clock?: Clock;
};

/** A transport over real loopback sockets with everything it says recorded. */
export class TestNode {
  readonly id: NodeId;
  readonly events = new Recorder<TestEvent>();
  readonly log = new Recorder<LogLine>();
  readonly transport: TcpTransport;
  /** Set while the test is inside a call to the transport. */
  inCall = false;
  #closed = false;

  constructor(options: TestNodeOptions) {
    this.id = nodeId(options.id);
    const record = (event: TestEvent): void => {
      if (this.inCall) throw new Error('an event came from within a call to the transport');
      this.events.push(event);
    };
    const write = (event: string, fields: LogFields = {}): void => this.log.push({ event, fields });
    const logger: Logger = { info: write, warn: write, error: write };
    this.transport = createTcpTransport(
      {
        local: {
          id: this.id,
          directoryId: options.directoryId ?? directoryOf(options.id),
          clusterId: options.clusterId === undefined ? clusterId : options.clusterId,
        },
        listen: options.listen ?? { host: '127.0.0.1', port: 0 },
        tls: options.tls ?? null,
        insecure: options.insecure ?? false,
        limits: { ...defaultTransportLimits, ...options.limits },
        clock: options.clock ?? systemClock,
        random: seededRandom(options.id),
        logger,
        encode: encodePeerMessage,
        decode: decodePeerMessage,
        ...(options.lookUp === undefined ? {} : { lookUp: options.lookUp }),
      },
      {
        onMessage: (from, message) => record({ kind: 'message', from, message }),
        onConnectionOpened: (peer) => record({ kind: 'opened', peer }),
        onConnectionClosed: (peer, refused) => record({ kind: 'closed', peer, refused }),
        onForwardDropped: (to, message) => record({ kind: 'forwardDropped', to, message }),
      },
    );
  }

  get endpoint(): Endpoint {
    const address = this.transport.address();
    if (address === null) throw new Error('the node is not listening');
    return address;
  }

  /** Gives the error with which the start failed, or null. */
  start(): Promise<TransportError | null> {
    return new Promise((resolve) => {
      this.transport.start((result) => resolve(result.ok ? null : result.error));
    });
  }

  know(...nodes: readonly TestNode[]): void {
    this.setEndpoints(new Map(nodes.map((node) => [node.id, node.endpoint])));
  }

  setEndpoints(endpoints: ReadonlyMap<NodeId, Endpoint>): void {
    this.#inside(() => this.transport.setEndpoints(endpoints));
  }

  send(to: { readonly id: NodeId }, ...messages: readonly PeerMessage[]): void {
    this.#inside(() => {
      for (const message of messages) this.transport.send(to.id, message);
    });
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    return new Promise((resolve) => this.#inside(() => this.transport.close(resolve)));
  }

  peer(other: { readonly id: NodeId }): PeerStats {
    const found = this.transport.stats().peers.find(({ id }) => id === other.id);
    if (found === undefined) throw new Error(`node ${this.id} knows no node ${other.id}`);
    return found;
  }

  opened(peer: { readonly id: NodeId }, from = 0): Promise<TestEvent> {
    return this.events.first((event) => event.kind === 'opened' && event.peer === peer.id, from);
  }

  async closedHint(peer: { readonly id: NodeId }, from = 0): Promise<boolean> {
    const event = await this.events.first((one) => one.kind === 'closed' && one.peer === peer.id, from);
    return event.kind === 'closed' && event.refused;
  }

  async messages(countMin: number): Promise<readonly PeerMessage[]> {
    const found = await this.events.count(countMin, ({ kind }) => kind === 'message');
    return found.flatMap((event) => (event.kind === 'message' ? [event.message] : []));
  }

  /** Waits for a log line with this code, whatever the event's name. */
  logged(code: string, from = 0): Promise<LogLine> {
    return this.log.first(({ fields }) => fields['code'] === code, from);
  }

  #inside(body: () => void): void {
    this.inCall = true;
    try {
      body();
    } finally {
      this.inCall = false;
    }
  }
}

/** Makes nodes and closes all of them at the test's end. */
export class TestNodes {
  readonly #nodes: TestNode[] = [];

  /** A node that is not started. */
  make(options: TestNodeOptions): TestNode {
    const node = new TestNode(options);
    this.#nodes.push(node);
    return node;
  }

  async start(options: TestNodeOptions): Promise<TestNode> {
    const node = this.make(options);
    const error = await node.start();
    if (error !== null) throw new Error(`${error.code}: ${error.message}`);
    return node;
  }

  /** Nodes 1 and 2, each connected to the other. */
  async startPair(limits: Partial<TransportLimits> = {}): Promise<readonly [TestNode, TestNode]> {
    const first = await this.start({ id: 1, limits });
    const second = await this.start({ id: 2, limits });
    first.know(first, second);
    second.know(first, second);
    await first.opened(second);
    await second.opened(first);
    return [first, second];
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()));
    this.#nodes.length = 0;
  }
}
