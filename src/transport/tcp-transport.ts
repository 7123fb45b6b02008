import type { Socket } from 'node:net';
import { assert } from '../base/assert.ts';
import { isUuid, type NodeId, type Uuid } from '../base/brands.ts';
import type { Random } from '../base/random.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { PeerMessage, Transport, TransportEvents } from '../ports/transport.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import { Acceptor } from './acceptor.ts';
import type { ConnectionContext } from './dial.ts';
import { EventQueue } from './event-queue.ts';
import type { LocalIdentity } from './handshake-rules.ts';
import { checkLimits, type TransportLimits } from './limits.ts';
import type { DecodeMessage } from './link.ts';
import { isLoopbackHost } from './loopback.ts';
import { ownNameProblem } from './node-names.ts';
import { Peer, type PeerContext } from './peer.ts';
import { AddressResolver, type LookUp, systemLookUp } from './resolver.ts';
import type { TransportStats } from './stats.ts';
import { readTlsFiles, type TlsFiles, type TlsMaterial } from './tls.ts';

export type TcpTransportOptions = {
  readonly local: LocalIdentity;
  /** Port 0 lets the system choose one. */
  readonly listen: Endpoint;
  /** Null for connections in the clear. */
  readonly tls: TlsFiles | null;
  /** Allows a listener without TLS that other machines can reach. */
  readonly insecure: boolean;
  readonly limits: TransportLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A message as bytes, in pieces that nobody changes afterwards. */
  readonly encode: (message: PeerMessage) => Uint8Array | readonly Uint8Array[];
  readonly decode: DecodeMessage;
  /** How hosts become addresses; the system's own way unless given. */
  readonly lookUp?: LookUp;
};

export type TransportError = {
  readonly code: 'INSECURE_LISTENER' | 'TLS_CONFIGURATION' | 'ADDRESS_IN_USE' | 'LISTEN_FAILED' | 'CLOSED';
  readonly message: string;
};

export type TcpTransport = Transport & {
  /** Listens and begins to dial; gives the address listened on. Called once, and answered once, later. */
  start(complete: (result: Result<Endpoint, TransportError>) => void): void;
  /** The cluster's id, learnt after the start; it never changes once it is known. */
  setClusterId(clusterId: Uuid): void;
  /** Reads the TLS files again for connections made from here on; at a failure the old ones stay in use. */
  reloadCertificates(complete: (result: Result<null, TransportError>) => void): void;
  /** Where it listens; null before the start. */
  address(): Endpoint | null;
  stats(): TransportStats;
};

/** The peers' transport over TCP or TLS; see `ports/transport.ts` for its contract. */
export function createTcpTransport(options: TcpTransportOptions, events: TransportEvents): TcpTransport {
  checkLimits(options.limits);
  const core = new TransportCore(options, events);
  const { queue } = core;
  return {
    send: (to, message) => queue.call(() => core.send(to, message)),
    setEndpoints: (endpoints) => queue.call(() => core.setEndpoints(endpoints)),
    close: (complete) => queue.call(() => core.close(complete)),
    start: (complete) => queue.call(() => core.start(complete)),
    setClusterId: (clusterId) => queue.call(() => core.setClusterId(clusterId)),
    reloadCertificates: (complete) => queue.call(() => core.reloadCertificates(complete)),
    address: () => core.address,
    stats: () => core.stats(),
  };
}

class TransportCore {
  readonly queue: EventQueue;
  readonly #options: TcpTransportOptions;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #sockets = new Set<Socket>();
  readonly #connections: ConnectionContext;
  readonly #peerContext: PeerContext;
  readonly #acceptor: Acceptor;
  #local: LocalIdentity;
  #tls: TlsMaterial | null = null;
  #phase: 'new' | 'starting' | 'started' | 'failed' | 'closed' = 'new';
  #endpoints: ReadonlyMap<NodeId, Endpoint> = new Map();
  #address: Endpoint | null = null;
  #maintenance: Timer | null = null;
  #droppedUnknownPeer = 0;

  constructor(options: TcpTransportOptions, events: TransportEvents) {
    const { clock, limits, logger, random, decode } = options;
    this.#options = options;
    this.#local = options.local;
    this.queue = new EventQueue(events);
    this.#connections = {
      clock,
      limits,
      local: () => this.#local,
      tls: () => this.#tls,
      liveDirectory: (id) => this.#peers.get(id)?.liveDirectory ?? null,
      sockets: this.#sockets,
    };
    this.#peerContext = {
      connections: this.#connections,
      resolver: new AddressResolver(options.lookUp ?? systemLookUp, clock, limits.lookupTimeoutMs),
      random,
      logger,
      events: this.queue,
      decode,
      onForgotten: (peer) => this.#peers.delete(peer.id),
    };
    this.#acceptor = new Acceptor(this.#connections, logger, {
      onOpened: (connection, identity) => this.#peer(identity.remote.id).accept(connection, identity),
    });
  }

  get address(): Endpoint | null {
    return this.#address;
  }

  start(complete: (result: Result<Endpoint, TransportError>) => void): void {
    assert(this.#phase === 'new', 'a transport is started once, and before it is closed');
    this.#phase = 'starting';
    const { listen, tls, insecure, clock } = this.#options;
    if (tls === null && !insecure && !isLoopbackHost(listen.host)) {
      const message = `${listen.host} can be reached from other machines, and there is no TLS`;
      const error: TransportError = { code: 'INSECURE_LISTENER', message };
      clock.afterPendingEvents(() => this.#startFailed(error, complete));
      return;
    }
    if (tls === null) {
      this.#listen(complete);
      return;
    }
    this.#readCertificates(tls, (read) => {
      if (read.ok) this.#tls = read.value;
      if (read.ok && this.#phase === 'starting') this.#listen(complete);
      else
        this.#startFailed(
          { code: 'TLS_CONFIGURATION', message: read.ok ? 'closed' : read.error.message },
          complete,
        );
    });
  }

  send(to: NodeId, message: PeerMessage): void {
    assert(to !== this.#local.id, 'a node sends nothing to itself');
    const { encode, limits, logger } = this.#options;
    if (this.#phase === 'closed') return;
    const peer = this.#peers.get(to);
    if (peer === undefined) {
      this.#droppedUnknownPeer += 1;
      this.#tellDropped(to, message);
      return;
    }
    const encoded = encode(message);
    const parts = encoded instanceof Uint8Array ? [encoded] : encoded;
    const sizeInBytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (sizeInBytes > limits.messageBytesMax) {
      // The peer would close the connection over it, and over its repetition, for ever.
      logger.error('peer-message-too-large', { peer: to, type: message.message.type, sizeInBytes });
      this.#tellDropped(to, message);
      return;
    }
    peer.send({ message, parts, sizeInBytes });
  }

  setEndpoints(endpoints: ReadonlyMap<NodeId, Endpoint>): void {
    this.#endpoints = endpoints;
    if (this.#phase === 'started') this.#applyEndpoints();
  }

  setClusterId(clusterId: Uuid): void {
    assert(isUuid(clusterId), 'a cluster id is a uuid');
    const known = this.#local.clusterId;
    assert(known === null || known === clusterId, 'a cluster id never changes');
    this.#local = { ...this.#local, clusterId };
    for (const peer of this.#peers.values()) {
      for (const link of peer.links) link.tellClusterId();
    }
  }

  reloadCertificates(complete: (result: Result<null, TransportError>) => void): void {
    const { tls, logger } = this.#options;
    assert(tls !== null, 'a transport without TLS has no certificates');
    this.#readCertificates(tls, (read) => {
      if (!read.ok) {
        logger.error('peer-certificates-not-reloaded', { message: read.error.message });
        complete(failed({ code: 'TLS_CONFIGURATION', message: read.error.message }));
        return;
      }
      this.#tls = read.value;
      this.#acceptor.replaceCertificates(read.value);
      logger.info('peer-certificates-reloaded');
      complete(ok(null));
    });
  }

  /** Sends what is queued for at most `closeFlushMs`, then ends everything. */
  close(complete: () => void): void {
    assert(this.#phase !== 'closed', 'a transport is closed once');
    this.#phase = 'closed';
    this.queue.end();
    this.#maintenance?.cancel();
    const { clock, limits } = this.#options;
    const deadline = clock.setTimer(limits.closeFlushMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    let waiting = this.#sockets.size + 1;
    const oneIsDone = (): void => {
      waiting -= 1;
      if (waiting > 0) return;
      deadline.cancel();
      complete();
    };
    for (const socket of this.#sockets) socket.once('close', () => clock.afterPendingEvents(oneIsDone));
    // The listener goes first, so that a peer that reconnects at once is refused and knows.
    this.#acceptor.stopListening(() => clock.afterPendingEvents(oneIsDone));
    for (const peer of this.#peers.values()) peer.finish();
  }

  stats(): TransportStats {
    return {
      listening: this.#address,
      refusedHandshakes: this.#acceptor.refusedHandshakes,
      droppedUnknownPeer: this.#droppedUnknownPeer,
      peers: [...this.#peers.values()].map((peer) => peer.stats()),
    };
  }

  #readCertificates(
    files: TlsFiles,
    complete: (result: Result<TlsMaterial, { readonly message: string }>) => void,
  ): void {
    readTlsFiles(files, (read) => {
      const { id, clusterId } = this.#local;
      const problem = read.ok ? ownNameProblem(read.value.names, id, clusterId) : null;
      if (read.ok && files.mutual && read.value.names.length === 0) {
        const message = 'whoever holds a certificate of this authority may claim to be any node';
        this.#options.logger.warn('peer-certificate-names-no-node', { message });
      }
      complete(problem === null ? read : failed({ message: problem }));
    });
  }

  #listen(complete: (result: Result<Endpoint, TransportError>) => void): void {
    this.#acceptor.listen(this.#options.listen, (listened) => {
      if (!listened.ok || this.#phase !== 'starting') {
        this.#startFailed(listened.ok ? { code: 'CLOSED', message: 'closed' } : listened.error, complete);
        return;
      }
      this.#phase = 'started';
      this.#address = listened.value;
      this.#maintainLater();
      this.#applyEndpoints();
      complete(ok(listened.value));
    });
  }

  #startFailed(error: TransportError, complete: (result: Result<Endpoint, TransportError>) => void): void {
    const wasClosed = this.#phase === 'closed';
    if (!wasClosed) this.#phase = 'failed';
    complete(failed(wasClosed ? { code: 'CLOSED', message: 'the transport was closed' } : error));
  }

  #applyEndpoints(): void {
    for (const peer of this.#peers.values()) {
      if (!this.#endpoints.has(peer.id)) peer.setEndpoint(null);
    }
    for (const [id, endpoint] of this.#endpoints) {
      // A voter set names this node too.
      if (id !== this.#local.id) this.#peer(id).setEndpoint(endpoint);
    }
  }

  #peer(id: NodeId): Peer {
    const known = this.#peers.get(id);
    if (known !== undefined) return known;
    const peer = new Peer(id, this.#peerContext);
    this.#peers.set(id, peer);
    return peer;
  }

  #tellDropped(to: NodeId, { channel, message }: PeerMessage): void {
    if (channel === 'forward') this.queue.emit((events) => events.onForwardDropped?.(to, message));
  }

  #maintainLater(): void {
    const { clock, limits } = this.#options;
    const delayMs = Math.ceil(limits.pingIntervalMs / 2);
    const dueMs = clock.monotonicMs() + delayMs;
    this.#maintenance = clock.setTimer(delayMs, () => {
      const lateMs = clock.monotonicMs() - dueMs;
      this.#maintainLater();
      // What arrived while this process stood still is read before any peer is held to be silent (design,
      // "Running"), and the time itself is nobody's fault.
      clock.afterPendingEvents(() => this.#maintain(lateMs >= limits.pingIntervalMs ? lateMs : 0));
    });
  }

  #maintain(creditMs: number): void {
    if (this.#phase !== 'started') return;
    const links = [...this.#peers.values()].flatMap((peer) => peer.links);
    for (const link of links) {
      link.connection.creditMs(creditMs);
      if (!link.connection.isClosed) link.maintain();
    }
  }
}
