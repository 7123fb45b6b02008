import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { NodeId, Uuid } from '../base/brands.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { CloseReason } from './close-reason.ts';
import { setDrainedTimer } from './drained-timer.ts';
import { encodeFrame, type FrameType, frameTypes } from './frame.ts';
import { FramedSocket } from './framed-socket.ts';
import { decodeRefusal, decodeWelcome, encodeHello, protocolVersions } from './handshake.ts';
import { judgeWelcome, type LiveDirectory, type LocalIdentity } from './handshake-rules.ts';
import type { TransportLimits } from './limits.ts';
import type { LinkIdentity } from './link.ts';
import { nodeNamesOf, type ShownNames } from './node-names.ts';
import { dialOptions, type TlsMaterial } from './tls.ts';

/** What every dialled and accepted connection needs of the transport that it belongs to. */
export type ConnectionContext = {
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly local: () => LocalIdentity;
  /** Null for connections in the clear. */
  readonly tls: () => TlsMaterial | null;
  readonly liveDirectory: LiveDirectory;
  /** Every socket whose handle is open, so that closing the transport can wait for all of them. */
  readonly sockets: Set<Socket>;
};

export function trackSocket(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}

export type DialListeners = {
  readonly onOpened: (connection: FramedSocket, identity: LinkIdentity) => void;
  readonly onFailed: (reason: CloseReason) => void;
};

/** One attempt at one address: connect, TLS, handshake, all before one deadline. */
export class Dial {
  readonly #context: ConnectionContext;
  readonly #target: NodeId;
  readonly #listeners: DialListeners;
  readonly #connection: FramedSocket;
  readonly #deadline: Timer;
  #toldClusterId: Uuid | null = null;
  #shownNames: ShownNames | null = null;
  #settled = false;

  constructor(
    context: ConnectionContext,
    target: NodeId,
    endpoint: Endpoint,
    address: string,
    listeners: DialListeners,
  ) {
    this.#context = context;
    this.#target = target;
    this.#listeners = listeners;
    const socket = this.#connect(endpoint, address);
    trackSocket(context.sockets, socket);
    this.#connection = new FramedSocket(socket, context.clock, context.limits, {
      onFrame: (type, payload) => this.#receive(type, payload),
      onClosed: (reason) => this.#fail(reason),
    });
    this.#deadline = setDrainedTimer(context.clock, context.limits.handshakeTimeoutMs, () =>
      this.#connection.destroy({ code: 'HANDSHAKE_TIMEOUT', message: 'the peer did not answer in time' }),
    );
  }

  /** Gives up without a word to the listeners. */
  cancel(reason: CloseReason): void {
    this.#settle();
    this.#connection.destroy(reason);
  }

  #connect(endpoint: Endpoint, address: string): Socket {
    const target = { host: address, port: endpoint.port };
    const material = this.#context.tls();
    if (material === null) {
      const socket = connectTcp(target);
      return socket.once('connect', () => this.#greet(socket));
    }
    const socket = connectTls({ ...target, ...dialOptions(material, endpoint.host) });
    return socket.once('secureConnect', () => {
      this.#shownNames = { own: material.names, peer: nodeNamesOf(socket.getPeerX509Certificate()) };
      this.#greet(socket);
    });
  }

  #greet(socket: Socket): void {
    // TCP lets a socket connect to itself when it dials a free port that the kernel then gives it.
    if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
      this.#connection.destroy({ code: 'CONNECTION_REFUSED', message: 'the socket has reached itself' });
      return;
    }
    const { id, directoryId, clusterId } = this.#context.local();
    this.#toldClusterId = clusterId;
    const hello = {
      versions: protocolVersions,
      replica: { id, directoryId },
      clusterId,
      target: this.#target,
    };
    this.#connection.writer.sendControl(encodeFrame(frameTypes.hello, encodeHello(hello)));
  }

  #receive(type: FrameType, payload: Uint8Array): void {
    if (type === frameTypes.refuse) {
      this.#connection.destroy(decodeRefusal(payload));
      return;
    }
    if (type !== frameTypes.welcome) {
      this.#connection.refuse({
        code: 'UNEXPECTED_FRAME',
        message: `frame type ${type} in place of a welcome`,
      });
      return;
    }
    const welcome = decodeWelcome(payload);
    if (!welcome.ok) {
      this.#connection.refuse(welcome.error);
      return;
    }
    const { version, replica, clusterId } = welcome.value;
    const judged = judgeWelcome(
      this.#context.local(),
      this.#target,
      welcome.value,
      this.#context.liveDirectory,
      this.#shownNames,
    );
    if (!judged.ok) {
      this.#connection.refuse(judged.error);
      return;
    }
    this.#settle();
    this.#listeners.onOpened(this.#connection, {
      direction: 'dialled',
      remote: replica,
      version,
      remoteClusterId: clusterId,
      toldClusterId: this.#toldClusterId,
    });
  }

  #fail(reason: CloseReason): void {
    if (this.#settled) return;
    this.#settle();
    this.#listeners.onFailed(reason);
  }

  #settle(): void {
    this.#settled = true;
    this.#deadline.cancel();
  }
}
