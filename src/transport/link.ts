import type { Uuid } from '../base/brands.ts';
import type { Result } from '../base/result.ts';
import type { PeerMessage } from '../ports/transport.ts';
import type { ReplicaKey } from '../raft/replica-key.ts';
import { encodeFrame, type FrameType, frameTypes } from './frame.ts';
import type { CloseReason } from './close-reason.ts';
import type { FramedSocket } from './framed-socket.ts';
import { decodeCluster, decodeRefusal, encodeCluster } from './handshake.ts';
import { clusterProblem } from './handshake-rules.ts';
import type { TransportLimits } from './limits.ts';

/** Bytes of a message back into a checked value; total on hostile bytes. It may keep views of them. */
export type DecodeMessage = (bytes: Uint8Array) => Result<PeerMessage, { readonly message: string }>;

/** What the two ends know of each other after the handshake. */
export type LinkIdentity = {
  readonly direction: 'dialled' | 'accepted';
  readonly remote: ReplicaKey;
  readonly version: number;
  /** The remote's cluster id as far as it has told us. */
  readonly remoteClusterId: Uuid | null;
  /** What we have told it. */
  readonly toldClusterId: Uuid | null;
};

export type LinkListeners = {
  readonly decode: DecodeMessage;
  /** This node's cluster id now. */
  readonly clusterId: () => Uuid | null;
  readonly onMessage: (message: PeerMessage, sizeInBytes: number) => void;
  readonly onClosed: (reason: CloseReason) => void;
};

const empty = new Uint8Array(0);
const pingFrame = encodeFrame(frameTypes.ping, empty);
const pongFrame = encodeFrame(frameTypes.pong, empty);

/** A connection to a peer that is known by its handshake: messages, signs of life, and judgement on both. */
export class Link {
  readonly identity: LinkIdentity;
  readonly #connection: FramedSocket;
  readonly #limits: TransportLimits;
  readonly #listeners: LinkListeners;
  readonly #nowMs: () => number;
  readonly openedAtMs: number;
  #toldClusterId: Uuid | null;
  #remoteClusterId: Uuid | null;
  /** When the sign of life that is still awaited was asked for; null when none is. */
  #pingSentMs: number | null = null;
  #lastPingMs: number;
  #roundTripMs: number | null = null;

  constructor(
    connection: FramedSocket,
    identity: LinkIdentity,
    limits: TransportLimits,
    listeners: LinkListeners,
    nowMs: () => number,
  ) {
    this.identity = identity;
    this.#connection = connection;
    this.#limits = limits;
    this.#listeners = listeners;
    this.#nowMs = nowMs;
    this.openedAtMs = nowMs();
    this.#lastPingMs = this.openedAtMs;
    this.#toldClusterId = identity.toldClusterId;
    this.#remoteClusterId = identity.remoteClusterId;
    connection.promote(limits.messageBytesMax, {
      onFrame: (type, payload) => this.#receive(type, payload),
      onClosed: listeners.onClosed,
    });
  }

  get connection(): FramedSocket {
    return this.#connection;
  }

  /** How long the last sign of life took to come back; null before any. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  /** Tells the peer the cluster id that this node has learnt since, and refuses a peer of another cluster. */
  tellClusterId(): void {
    const clusterId = this.#listeners.clusterId();
    if (clusterId === null || clusterId === this.#toldClusterId) return;
    this.#toldClusterId = clusterId;
    const problem = clusterProblem(clusterId, this.#remoteClusterId);
    if (problem !== null) this.#connection.refuse(problem);
    else this.#connection.writer.sendControl(encodeFrame(frameTypes.cluster, encodeCluster(clusterId)));
  }

  /** Cuts a dead connection off, and asks a quiet peer for a sign of life. Called again and again. */
  maintain(): void {
    const silentMs = this.#connection.silentForMs();
    if (silentMs >= this.#limits.silenceMaxMs) {
      this.#connection.destroy({
        code: 'PEER_SILENT',
        message: `nothing has arrived for ${Math.floor(silentMs)} ms`,
      });
      return;
    }
    const stalledMs = this.#connection.writer.stalledForMs();
    if (stalledMs >= this.#limits.writeStallMaxMs) {
      const message = `nothing was taken for ${Math.floor(stalledMs)} ms`;
      this.#connection.destroy({ code: 'PEER_DOES_NOT_READ', message });
      return;
    }
    this.#ping();
  }

  /**
   * The accepting side never asks: the dialler's pings are its sign of life, and its pongs the dialler's.
   * So the dialler asks even while it hears much.
   */
  #ping(): void {
    if (this.identity.direction === 'accepted') return;
    // One question at a time; a lost answer ends the connection anyway.
    if (this.#pingSentMs !== null) return;
    const nowMs = this.#nowMs();
    if (nowMs - this.#lastPingMs < this.#limits.pingIntervalMs) return;
    this.#lastPingMs = nowMs;
    this.#pingSentMs = nowMs;
    this.#connection.writer.sendControl(pingFrame);
  }

  #receive(type: FrameType, payload: Uint8Array): void {
    switch (type) {
      case frameTypes.message:
        this.#receiveMessage(payload);
        return;
      case frameTypes.ping:
        this.#connection.writer.sendControl(pongFrame);
        return;
      case frameTypes.pong:
        if (this.#pingSentMs !== null) this.#roundTripMs = this.#nowMs() - this.#pingSentMs;
        this.#pingSentMs = null;
        return;
      case frameTypes.cluster:
        this.#receiveClusterId(payload);
        return;
      case frameTypes.refuse:
        this.#connection.destroy(decodeRefusal(payload));
        return;
      case frameTypes.hello:
      case frameTypes.welcome:
        this.#connection.refuse({ code: 'UNEXPECTED_FRAME', message: 'a second handshake' });
    }
  }

  #receiveMessage(payload: Uint8Array): void {
    const decoded = this.#listeners.decode(payload);
    if (decoded.ok) this.#listeners.onMessage(decoded.value, payload.length);
    else this.#connection.refuse({ code: 'MESSAGE_MALFORMED', message: decoded.error.message });
  }

  #receiveClusterId(payload: Uint8Array): void {
    const decoded = decodeCluster(payload);
    if (!decoded.ok) {
      this.#connection.refuse(decoded.error);
      return;
    }
    this.#remoteClusterId = decoded.value;
    const problem = clusterProblem(this.#listeners.clusterId(), decoded.value);
    if (problem !== null) this.#connection.refuse(problem);
  }
}
