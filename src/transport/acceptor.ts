import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { assert } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { Timer } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { CloseReason } from './close-reason.ts';
import { type ConnectionContext, trackSocket } from './dial.ts';
import { setDrainedTimer } from './drained-timer.ts';
import { encodeFrame, type FrameType, frameTypes } from './frame.ts';
import { FramedSocket } from './framed-socket.ts';
import { decodeHello, encodeWelcome } from './handshake.ts';
import { judgeHello } from './handshake-rules.ts';
import type { LinkIdentity } from './link.ts';
import { nodeNamesOf, type ShownNames } from './node-names.ts';
import { type TlsMaterial, tlsVersionMin } from './tls.ts';

export type AcceptorListeners = {
  readonly onOpened: (connection: FramedSocket, identity: LinkIdentity) => void;
};

export type ListenError = { readonly code: 'ADDRESS_IN_USE' | 'LISTEN_FAILED'; readonly message: string };

const tooMany: CloseReason = {
  code: 'TOO_MANY_CONNECTIONS',
  message: 'newer connections want their handshake',
};

const endedEarly: CloseReason = { code: 'CONNECTION_ENDED', message: 'it was closed before the handshake' };

const refusalsLoggedPerSecondMax = 20;

/** A connection that has not said who it is. */
type Stranger = {
  readonly socket: Socket;
  readonly address: string;
  readonly deadline: Timer;
  /** Null until TLS is established. */
  connection: FramedSocket | null;
  /** What its certificate names; null where it need not show one. */
  shownNames: ShownNames | null;
};

/**
 * Listens, and takes connections through TLS and the handshake. A stranger costs little and not for long:
 * it has one deadline for everything, small frames, and gives way to newer ones when there are too many.
 */
export class Acceptor {
  readonly #context: ConnectionContext;
  readonly #logger: Logger;
  readonly #listeners: AcceptorListeners;
  /** By remote address, which is how the plain socket below a TLS socket is known; oldest first. */
  readonly #strangers = new Map<string, Stranger>();
  #server: Server | null = null;
  #tlsServer: TlsServer | null = null;
  #phase: 'starting' | 'listening' | 'failed' = 'starting';
  #stopped = false;
  #onStopped: (() => void) | null = null;
  #refusedHandshakes = 0;
  /** The log takes so many refusals in a second and no more: a stranger must not be able to fill the disk. */
  readonly #logWindow = { startMs: 0, lines: 0 };

  constructor(context: ConnectionContext, logger: Logger, listeners: AcceptorListeners) {
    this.#context = context;
    this.#logger = logger;
    this.#listeners = listeners;
  }

  get refusedHandshakes(): number {
    return this.#refusedHandshakes;
  }

  listen(endpoint: Endpoint, complete: (result: Result<Endpoint, ListenError>) => void): void {
    assert(this.#server === null, 'an acceptor listens once');
    const material = this.#context.tls();
    const server = material === null ? createServer() : this.#createTlsServer(material);
    this.#server = server;
    // Beyond this the kernel's connection is dropped before it costs anything more.
    server.maxConnections = this.#context.limits.acceptedConnectionsMax;
    server.on('drop', () => this.#logRefused('unknown', tooMany));
    server.on('connection', (socket: Socket) => this.#meet(socket, material === null));
    const onError = (error: Error): void => {
      this.#phase = 'failed';
      complete(failed({ code: codeOf(error), message: error.message }));
      this.#onStopped?.();
    };
    server.once('error', onError);
    server.listen({ host: endpoint.host, port: endpoint.port }, () => {
      server.off('error', onError);
      // A listener that fails later, as when file descriptors run out, goes on with the next connection.
      server.on('error', (error: Error) =>
        this.#logger.error('peer-listener-error', { message: error.message }),
      );
      this.#phase = 'listening';
      complete(ok(addressOf(server)));
      if (this.#onStopped !== null) server.close(this.#onStopped);
    });
  }

  /** Certificates for connections from here on; those that stand are left alone. */
  replaceCertificates(material: TlsMaterial): void {
    this.#tlsServer?.setSecureContext({
      cert: material.certificate,
      key: material.key,
      ca: material.authorities,
      minVersion: tlsVersionMin,
    });
  }

  /** Stops listening at once, so that peers that reconnect are refused. Connections stay as they are. */
  stopListening(complete: () => void): void {
    this.#stopped = true;
    for (const stranger of this.#strangers.values()) this.#turnAway(stranger, 'TRANSPORT_CLOSED', 'closing');
    if (this.#server === null || this.#phase === 'failed') complete();
    else if (this.#phase === 'listening') this.#server.close(() => complete());
    // A name has to be looked up before the server listens, and before that it cannot be closed.
    else this.#onStopped = complete;
  }

  #createTlsServer(material: TlsMaterial): TlsServer {
    const server = createTlsServer({
      cert: material.certificate,
      key: material.key,
      ca: material.authorities,
      minVersion: tlsVersionMin,
      requestCert: material.mutual,
      // Judged below, where the dialler can be told by name; Node would end the connection without a word.
      rejectUnauthorized: false,
    });
    server.on('secureConnection', (socket) => {
      const stranger = this.#strangers.get(nameOf(socket));
      if (stranger === undefined) socket.destroy();
      else this.#judgeCertificate(stranger, socket, material.mutual);
    });
    server.on('tlsClientError', (error, socket) => {
      const address = nameOf(socket);
      const stranger = this.#strangers.get(address);
      if (stranger !== undefined) this.#turnAway(stranger, 'TLS_ERROR', error.message);
    });
    this.#tlsServer = server;
    return server;
  }

  #judgeCertificate(stranger: Stranger, socket: TLSSocket, mutual: boolean): void {
    const connection = this.#hear(stranger, socket);
    if (!mutual) return;
    const own = this.#context.tls()?.names ?? [];
    stranger.shownNames = { own, peer: nodeNamesOf(socket.getPeerX509Certificate()) };
    if (socket.authorized) return;
    const message = String(socket.authorizationError);
    connection.refuse({ code: 'UNTRUSTED_CERTIFICATE', message });
  }

  #meet(socket: Socket, plain: boolean): void {
    const { clock, limits, sockets } = this.#context;
    trackSocket(sockets, socket);
    // TLS reports its own errors; what the socket below it says besides must not go unheard.
    if (!plain) socket.on('error', () => socket.destroy());
    const address = nameOf(socket);
    if (this.#stopped || this.#strangers.has(address)) {
      // A socket that is gone already has no address, and so is like any other of its kind.
      socket.destroy();
      return;
    }
    this.#makeRoom();
    const deadline = setDrainedTimer(clock, limits.handshakeTimeoutMs, () =>
      this.#turnAway(stranger, 'HANDSHAKE_TIMEOUT', 'no handshake in time'),
    );
    const stranger: Stranger = { socket, address, deadline, connection: null, shownNames: null };
    this.#strangers.set(address, stranger);
    socket.once('close', () => {
      if (this.#forget(stranger)) this.#logRefused(address, endedEarly);
    });
    if (plain) this.#hear(stranger, socket);
  }

  /** Strangers that are slow to say who they are must not keep a peer out. */
  #makeRoom(): void {
    if (this.#strangers.size < this.#context.limits.pendingHandshakesMax) return;
    const oldest = this.#strangers.values().next();
    assert(oldest.done !== true, 'the limit on handshakes is at least 1');
    this.#turnAway(oldest.value, tooMany.code, tooMany.message);
  }

  #hear(stranger: Stranger, socket: Socket): FramedSocket {
    const connection = new FramedSocket(socket, this.#context.clock, this.#context.limits, {
      onFrame: (type, payload) => this.#greeted(stranger, connection, type, payload),
      onClosed: (reason) => {
        if (this.#forget(stranger)) this.#logRefused(stranger.address, reason);
      },
    });
    stranger.connection = connection;
    return connection;
  }

  #greeted(stranger: Stranger, connection: FramedSocket, type: FrameType, payload: Uint8Array): void {
    if (type !== frameTypes.hello) {
      connection.refuse({ code: 'UNEXPECTED_FRAME', message: `frame type ${type} in place of a hello` });
      return;
    }
    const local = this.#context.local();
    const hello = decodeHello(payload);
    const { liveDirectory } = this.#context;
    const version = hello.ok ? judgeHello(local, hello.value, liveDirectory, stranger.shownNames) : hello;
    if (!hello.ok || !version.ok) {
      if (!version.ok) connection.refuse(version.error);
      return;
    }
    this.#forget(stranger);
    const welcome = {
      version: version.value,
      replica: { id: local.id, directoryId: local.directoryId },
      clusterId: local.clusterId,
    };
    connection.writer.sendControl(encodeFrame(frameTypes.welcome, encodeWelcome(welcome)));
    this.#listeners.onOpened(connection, {
      direction: 'accepted',
      remote: hello.value.replica,
      version: version.value,
      remoteClusterId: hello.value.clusterId,
      toldClusterId: local.clusterId,
    });
  }

  #turnAway(stranger: Stranger, code: CloseReason['code'], message: string): void {
    if (stranger.connection !== null) {
      stranger.connection.refuse({ code, message });
      return;
    }
    if (this.#forget(stranger)) this.#logRefused(stranger.address, { code, message });
    stranger.socket.destroy();
  }

  /** Gives false when the stranger was forgotten before. */
  #forget(stranger: Stranger): boolean {
    stranger.deadline.cancel();
    if (this.#strangers.get(stranger.address) !== stranger) return false;
    return this.#strangers.delete(stranger.address);
  }

  #logRefused(address: string, reason: CloseReason): void {
    this.#refusedHandshakes += 1;
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#logWindow.startMs >= 1_000) {
      this.#logWindow.startMs = nowMs;
      this.#logWindow.lines = 0;
    }
    this.#logWindow.lines += 1;
    if (this.#logWindow.lines > refusalsLoggedPerSecondMax) return;
    this.#logger.warn('peer-handshake-failed', { address, code: reason.code, message: reason.message });
  }
}

function codeOf(error: Error): ListenError['code'] {
  return 'code' in error && error.code === 'EADDRINUSE' ? 'ADDRESS_IN_USE' : 'LISTEN_FAILED';
}

function addressOf(server: Server): Endpoint {
  const address = server.address();
  assert(address !== null && typeof address === 'object', 'a listening server has an address and a port');
  return { host: address.address, port: address.port };
}

function nameOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
