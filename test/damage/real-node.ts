import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { assertDefined } from '../../src/base/assert.ts';
import type { NodeId } from '../../src/base/brands.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Result } from '../../src/base/result.ts';
import { decodePeerMessage, encodePeerMessage } from '../../src/codec/peer-message.ts';
import type { Logger } from '../../src/ports/logger.ts';
import type { PeerMessage, TransportEvents } from '../../src/ports/transport.ts';
import type { Endpoint, ReplicaKey } from '../../src/raft/replica-key.ts';
import {
  type ControllerNode,
  createControllerNode,
  type StartError,
} from '../../src/runtime/controller-node.ts';
import type { ControllerSettings, NodeTransport, TransportIdentity } from '../../src/runtime/node-options.ts';
import { nodeClock } from '../../src/client/node-clock.ts';
import { defaultTransportLimits } from '../../src/transport/limits.ts';
import { createTcpTransport } from '../../src/transport/tcp-transport.ts';
import { KillableClock } from './killable-clock.ts';
import { KillableFiles } from './killable-files.ts';
import { KillableStores } from './killable-stores.ts';

export type RealNodeOptions = {
  readonly id: NodeId;
  readonly directory: string;
  readonly voters: readonly { readonly id: NodeId; readonly endpoint: Endpoint }[];
  readonly settings: ControllerSettings;
};

/** What a dead process had queued for its sockets is lost with it. */
const limits = { ...defaultTransportLimits, closeFlushMs: 1 };

/**
 * A production controller within this process: on a real directory, a real database and real sockets. It
 * can be killed and started again thousands of times in the time that processes need for a few hundred.
 */
export class RealNode {
  readonly id: NodeId;
  readonly directory: string;
  readonly #options: RealNodeOptions;
  /** What this life of the node has logged. */
  readonly logged: string[] = [];
  /** Sees every message before it is sent. */
  onSend: (message: PeerMessage) => void = () => {};
  started: Result<null, StartError> | null = null;
  /** Why the node has stopped by itself. */
  fatal: string | null = null;
  #node: ControllerNode | null = null;
  #kill: (() => Promise<void>) | null = null;

  constructor(options: RealNodeOptions) {
    this.#options = options;
    this.id = options.id;
    this.directory = options.directory;
  }

  get isRunning(): boolean {
    return this.#node !== null && this.fatal === null && this.started?.ok === true;
  }

  get node(): ControllerNode {
    return assertDefined(this.#node, `node ${this.id} is down`);
  }

  status(): ReturnType<ControllerNode['status']> {
    return this.node.status();
  }

  start(): void {
    const { id, directory, voters, settings } = this.#options;
    const files = new KillableFiles();
    const clock = new KillableClock();
    const stores = new KillableStores(join(directory, 'checkpoints'));
    const transports: NodeTransport[] = [];
    let isAlive = true;
    const note = (event: string, fields: unknown): void =>
      void this.logged.push(`${event} ${JSON.stringify(fields ?? {})}`);
    const logger: Logger = { info: note, warn: note, error: note };
    this.logged.length = 0;
    this.started = null;
    this.fatal = null;
    this.#node = createControllerNode({
      nodeId: id,
      directory: join(directory, 'metadata'),
      configuredVoters: voters,
      advertised: this.#endpoint(),
      settings,
      ports: {
        files,
        checkpointStores: stores,
        clock,
        random: seededRandom(randomInt(2 ** 47)),
        logger,
        createTransport: (local, events) => {
          const transport = this.#transport(
            local,
            whileAlive(events, () => isAlive),
            logger,
          );
          transports.push(transport);
          return { ...transport, send: (to, message) => this.#send(isAlive, transport, to, message) };
        },
      },
      onFatal: (reason) => {
        if (isAlive) this.fatal = reason;
      },
    });
    this.#node.start((started) => {
      if (isAlive) this.started = started;
    });
    this.#kill = async () => {
      isAlive = false;
      clock.kill();
      const closing = transports.map((transport) => new Promise<void>((done) => transport.close(done)));
      await Promise.all([files.kill(), ...closing]);
      await stores.kill();
    };
  }

  /** Ends the node as the end of a process would; everything is closed when it resolves. */
  async kill(): Promise<void> {
    const kill = this.#kill;
    this.#kill = null;
    this.#node = null;
    await kill?.();
  }

  describe(): string {
    if (this.#node === null) return `node ${this.id}: down`;
    const { role, epoch, leaderId, recovering, isObserver, logEndOffset, highWatermark } = this.status();
    const marks = { role, epoch, leaderId, recovering, isObserver, logEndOffset, highWatermark };
    const fate = { started: this.started, fatal: this.fatal };
    return `node ${this.id}: ${JSON.stringify({ ...marks, ...fate })}\n  ${this.logged.join('\n  ')}`;
  }

  #endpoint(): Endpoint {
    const own = this.#options.voters.find(({ id }) => id === this.id);
    return assertDefined(own, `node ${this.id} is a voter`).endpoint;
  }

  #send(isAlive: boolean, transport: NodeTransport, to: ReplicaKey['id'], message: PeerMessage): void {
    if (!isAlive) return;
    this.onSend(message);
    transport.send(to, message);
  }

  #transport(local: TransportIdentity, events: TransportEvents, logger: Logger): NodeTransport {
    return createTcpTransport(
      {
        local,
        listen: this.#endpoint(),
        tls: null,
        insecure: false,
        limits,
        // Closing goes on when the node is dead.
        clock: nodeClock,
        random: seededRandom(randomInt(2 ** 47)),
        logger,
        encode: encodePeerMessage,
        decode: decodePeerMessage,
      },
      events,
    );
  }
}

function whileAlive(events: TransportEvents, isAlive: () => boolean): TransportEvents {
  return {
    onMessage: (from, message) => {
      if (isAlive()) events.onMessage(from, message);
    },
    onConnectionOpened: (peer) => {
      if (isAlive()) events.onConnectionOpened(peer);
    },
    onConnectionClosed: (peer, refused) => {
      if (isAlive()) events.onConnectionClosed(peer, refused);
    },
    onForwardDropped: (to, message) => {
      if (isAlive()) events.onForwardDropped?.(to, message);
    },
  };
}
