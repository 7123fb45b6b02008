import type { NodeId, Uuid } from '../base/brands.ts';
import type { Random } from '../base/random.ts';
import type { Logger } from '../ports/logger.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { CloseReason } from './close-reason.ts';
import type { ConnectionContext } from './dial.ts';
import { Dialer } from './dialer.ts';
import type { EventQueue } from './event-queue.ts';
import type { FramedSocket } from './framed-socket.ts';
import { type DecodeMessage, Link, type LinkIdentity } from './link.ts';
import { forwardOf, type OutboundItem, OutboundQueue } from './outbound-queue.ts';
import type { AddressResolver } from './resolver.ts';
import type { PeerStats } from './stats.ts';

/** What all peers of one transport share. */
export type PeerContext = {
  readonly connections: ConnectionContext;
  readonly resolver: AddressResolver;
  readonly random: Random;
  readonly logger: Logger;
  readonly events: EventQueue;
  readonly decode: DecodeMessage;
  /** The peer has neither an endpoint nor a connection any more. */
  readonly onForgotten: (peer: Peer) => void;
};

/**
 * One other node: the connection that this node dials, the one that it accepted, and what waits to be sent.
 *
 * Each node sends its own messages on the connection that it has dialled and receives on those that it has
 * accepted, so that both sides run the same code and neither must settle which of two simultaneous
 * connections is to stay. A peer without a known endpoint, as an observer that nobody has configured, cannot
 * be dialled; it is answered on the connection that it dialled itself.
 *
 * Invariants
 * 1. The route is the dialled link if an endpoint is known, else the accepted one; only it takes messages.
 * 2. `onConnectionOpened` and `onConnectionClosed` alternate, beginning with the former.
 * 3. While there is no route, the queue holds at most one message of each type and no forwarded one.
 */
export class Peer {
  readonly id: NodeId;
  readonly #context: PeerContext;
  readonly #queue: OutboundQueue;
  #dialer: Dialer | null = null;
  #dialled: Link | null = null;
  #accepted: Link | null = null;
  #announced = false;
  #directoryId: Uuid | null = null;
  #lastError: string | null = null;
  #sentMessages = 0;
  #sentBytes = 0;
  #receivedMessages = 0;
  #receivedBytes = 0;
  #droppedMessages = 0;
  #connectionsOpened = 0;

  constructor(id: NodeId, context: PeerContext) {
    this.id = id;
    this.#context = context;
    const { queueMessagesMax, queueBytesMax } = context.connections.limits;
    this.#queue = new OutboundQueue({ messagesMax: queueMessagesMax, bytesMax: queueBytesMax }, (item) =>
      this.#dropped(item),
    );
  }

  get links(): readonly Link[] {
    return [this.#dialled, this.#accepted].filter((link) => link !== null);
  }

  /** The directory id under which the peer is connected now; null when it is not. */
  get liveDirectory(): Uuid | null {
    return this.links[0]?.identity.remote.directoryId ?? null;
  }

  send(item: OutboundItem): void {
    if (this.#route === null) {
      this.#queue.pushWhileDisconnected(item);
      return;
    }
    this.#queue.push(item);
    this.#route.connection.writer.scheduleFlush();
  }

  /** Where the peer is to be dialled; null when that is not known. A changed endpoint closes the old connection. */
  setEndpoint(endpoint: Endpoint | null): void {
    if (sameEndpoint(this.#dialer?.endpoint ?? null, endpoint)) return;
    const reason: CloseReason = { code: 'ENDPOINT_CHANGED', message: 'the endpoint has changed' };
    const before = this.#dialer;
    before?.stop(reason);
    this.#dialled?.connection.destroy(reason);
    this.#dialer = null;
    // Until now the accepted link may have been the route, and may be so again.
    this.#leaveRoute(false);
    if (endpoint === null) this.#takeRoute(this.#accepted);
    else this.#dial(endpoint);
    this.#forgetIfUnknown();
  }

  /** A connection that was accepted and is through the handshake. */
  accept(connection: FramedSocket, identity: LinkIdentity): void {
    const older = this.#accepted;
    const link = this.#link(connection, identity);
    if (this.#dialer === null) this.#leaveRoute(false);
    this.#accepted = link;
    // The peer would not have dialled again if it still held the old connection to be alive.
    older?.connection.destroy({ code: 'REPLACED', message: 'the peer has dialled again' });
    if (this.#dialer === null) this.#takeRoute(link);
    else this.#dialer.hurry();
    link.tellClusterId();
  }

  /** Sends what waits on the links that stand and ends them; nothing is dialled any more. */
  finish(): void {
    const reason: CloseReason = { code: 'TRANSPORT_CLOSED', message: 'the transport is being closed' };
    this.#dialer?.stop(reason);
    for (const link of this.links) link.connection.finish();
  }

  stats(): PeerStats {
    return {
      id: this.id,
      directoryId: this.#directoryId,
      endpoint: this.#dialer?.endpoint ?? null,
      connected: this.#route !== null,
      accepted: this.#accepted !== null,
      queuedMessages: this.#queue.messages,
      queuedBytes: this.#queue.bytes,
      roundTripMs: this.#dialled?.roundTripMs ?? null,
      sentMessages: this.#sentMessages,
      sentBytes: this.#sentBytes,
      receivedMessages: this.#receivedMessages,
      receivedBytes: this.#receivedBytes,
      droppedMessages: this.#droppedMessages,
      connectionsOpened: this.#connectionsOpened,
      lastError: this.#lastError,
    };
  }

  get #route(): Link | null {
    return this.#dialer === null ? this.#accepted : this.#dialled;
  }

  #dial(endpoint: Endpoint): void {
    const { connections, resolver, random } = this.#context;
    this.#dialer = new Dialer(connections, resolver, random, this.id, endpoint, {
      onOpened: (connection, identity) => {
        const link = this.#link(connection, identity);
        this.#dialled = link;
        this.#takeRoute(link);
        link.tellClusterId();
      },
      onFailed: (reason) => this.#dialFailed(endpoint, reason),
      onClosedNews: (refused) => this.#announceClosed(refused),
    });
    this.#dialer.start();
  }

  #link(connection: FramedSocket, identity: LinkIdentity): Link {
    const { connections, decode, events, logger } = this.#context;
    const { direction, remote, version } = identity;
    this.#directoryId = remote.directoryId;
    this.#connectionsOpened += 1;
    logger.info('peer-connected', { peer: this.id, direction, address: connection.remoteAddress, version });
    const link: Link = new Link(
      connection,
      identity,
      connections.limits,
      {
        decode,
        clusterId: () => connections.local().clusterId,
        onMessage: (message, sizeInBytes) => {
          this.#receivedMessages += 1;
          this.#receivedBytes += sizeInBytes;
          events.emit((listener) => listener.onMessage(remote, message));
        },
        onClosed: (reason) => this.#linkClosed(link, reason),
      },
      () => connections.clock.monotonicMs(),
    );
    return link;
  }

  #linkClosed(link: Link, reason: CloseReason): void {
    this.#lastError = `${reason.code}: ${reason.message}`;
    const { direction } = link.identity;
    this.#context.logger.warn('peer-disconnected', { peer: this.id, direction, ...reason });
    if (link === this.#dialled) {
      this.#dialled = null;
      this.#queue.clear();
      this.#dialer?.connectionClosed(reason);
    } else if (link === this.#accepted) {
      this.#accepted = null;
      if (this.#dialer === null) this.#leaveRoute(false);
      this.#forgetIfUnknown();
    }
  }

  #dialFailed(endpoint: Endpoint, reason: CloseReason): void {
    const error = `${reason.code}: ${reason.message}`;
    // A peer that is down stays down for many attempts, and the log needs to hear it once.
    if (error !== this.#lastError) {
      this.#context.logger.warn('peer-unreachable', { peer: this.id, ...endpoint, ...reason });
    }
    this.#lastError = error;
  }

  /** Sends over `link` from here on. */
  #takeRoute(link: Link | null): void {
    if (link === null) return;
    link.connection.writer.setSource(() => this.#next());
    this.#announced = true;
    this.#context.events.emit((listener) => listener.onConnectionOpened(this.id));
  }

  #leaveRoute(refused: boolean): void {
    this.#accepted?.connection.writer.setSource(null);
    this.#queue.clear();
    this.#announceClosed(refused);
  }

  #announceClosed(refused: boolean): void {
    if (!this.#announced) return;
    this.#announced = false;
    this.#context.events.emit((listener) => listener.onConnectionClosed(this.id, refused));
  }

  #next(): OutboundItem | null {
    const item = this.#queue.shift();
    if (item === null) return null;
    this.#sentMessages += 1;
    this.#sentBytes += item.sizeInBytes;
    return item;
  }

  #dropped(item: OutboundItem): void {
    this.#droppedMessages += 1;
    const forward = forwardOf(item);
    if (forward !== null)
      this.#context.events.emit((listener) => listener.onForwardDropped?.(this.id, forward));
  }

  #forgetIfUnknown(): void {
    if (this.#dialer === null && this.#accepted === null) this.#context.onForgotten(this);
  }
}

function sameEndpoint(left: Endpoint | null, right: Endpoint | null): boolean {
  return left?.host === right?.host && left?.port === right?.port;
}
