import type { NodeId } from '../base/brands.ts';
import type { Random } from '../base/random.ts';
import type { Timer } from '../ports/clock.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { CloseReason } from './close-reason.ts';
import { type ConnectionContext, Dial } from './dial.ts';
import { setDrainedTimer } from './drained-timer.ts';
import type { FramedSocket } from './framed-socket.ts';
import type { LinkIdentity } from './link.ts';
import type { AddressResolver } from './resolver.ts';

export type DialerListeners = {
  readonly onOpened: (connection: FramedSocket, identity: LinkIdentity) => void;
  /** An attempt, all addresses included, has failed. */
  readonly onFailed: (reason: CloseReason) => void;
  /** What became of the reconnect after a closed connection; called once for each `connectionClosed`. */
  readonly onClosedNews: (refused: boolean) => void;
};

/** Attempts made at once after a connection has closed, before ordinary backoff begins. */
const fastAttemptsMax = 3;

/**
 * Dials one peer until it is reached, and again whenever the connection is lost.
 *
 *     waiting → resolving → dialling → open
 *        ↑__________|___________|        |
 *        |_______________________________|
 *
 * After a close it dials the same address at once, because what a dead process leaves behind is a refusal
 * within the millisecond, and that is the hint by which an election starts early (design 8). A process that
 * is being torn down may close its connections before its listener: then the attempt is reset and not
 * refused, so a few attempts follow each other quickly.
 */
export class Dialer {
  readonly endpoint: Endpoint;
  readonly #context: ConnectionContext;
  readonly #resolver: AddressResolver;
  readonly #random: Random;
  readonly #peer: NodeId;
  readonly #listeners: DialerListeners;
  #state: 'waiting' | 'resolving' | 'dialling' | 'open' | 'stopped' = 'waiting';
  #timer: Timer | null = null;
  #cancelLookup: (() => void) | null = null;
  #dial: Dial | null = null;
  #failures = 0;
  /** The address that was reached last. */
  #lastAddress: string | null = null;
  #openedAtMs = 0;
  /** Set while the news of a closed connection waits for the outcome of the reconnect. */
  #newsTimer: Timer | null = null;
  #fastAttempts = 0;

  constructor(
    context: ConnectionContext,
    resolver: AddressResolver,
    random: Random,
    peer: NodeId,
    endpoint: Endpoint,
    listeners: DialerListeners,
  ) {
    this.#context = context;
    this.#resolver = resolver;
    this.#random = random;
    this.#peer = peer;
    this.endpoint = endpoint;
    this.#listeners = listeners;
  }

  start(): void {
    this.#attempt();
  }

  /** Ends every attempt; news of a closed connection that still waits is given as not refused. */
  stop(reason: CloseReason): void {
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#cancelLookup?.();
    this.#dial?.cancel(reason);
    this.#tellNews(false);
  }

  /** The peer has shown that it is up, so waiting out the backoff is pointless. */
  hurry(): void {
    if (this.#state !== 'waiting') return;
    this.#timer?.cancel();
    this.#attempt();
  }

  /** The connection that `onOpened` gave has closed. */
  connectionClosed(reason: CloseReason): void {
    if (this.#state === 'stopped') {
      this.#listeners.onClosedNews(false);
      return;
    }
    const { clock, limits } = this.#context;
    this.#newsTimer = setDrainedTimer(clock, limits.closedHintWaitMs, () => this.#tellNews(false));
    this.#fastAttempts = fastAttemptsMax;
    // A connection that opens and breaks at once, again and again, must not become a busy loop.
    const lasted = clock.monotonicMs() - this.#openedAtMs >= limits.reconnectBackoffMaxMs;
    if (lasted) this.#failures = 0;
    if (lasted && reason.code !== 'REFUSED_BY_PEER') this.#attempt();
    else this.#wait(this.#backoffMs());
  }

  #attempt(): void {
    const closedAddress = this.#newsTimer === null ? null : this.#lastAddress;
    // A hint is wanted of the address that was connected; a fresh lookup would come too late for it.
    if (closedAddress !== null) {
      this.#dialEach([closedAddress]);
      return;
    }
    this.#state = 'resolving';
    this.#cancelLookup = this.#resolver.resolve(this.endpoint.host, (addresses) => {
      this.#cancelLookup = null;
      this.#dialEach(addresses);
    });
  }

  /** Tries the addresses one after the other. */
  #dialEach(addresses: readonly string[]): void {
    const [address, ...others] = addresses;
    if (address === undefined || !isPort(this.endpoint.port)) {
      this.#failed({
        code: 'LOOKUP_FAILED',
        message: `no address is known for ${this.endpoint.host}:${this.endpoint.port}`,
      });
      return;
    }
    this.#state = 'dialling';
    this.#dial = new Dial(this.#context, this.#peer, this.endpoint, address, {
      onOpened: (connection, identity) => this.#opened(address, connection, identity),
      onFailed: (reason) => {
        if (others.length === 0) this.#failed(reason);
        else this.#dialEach(others);
      },
    });
  }

  #opened(address: string, connection: FramedSocket, identity: LinkIdentity): void {
    this.#state = 'open';
    this.#dial = null;
    this.#lastAddress = address;
    this.#openedAtMs = this.#context.clock.monotonicMs();
    this.#tellNews(false);
    this.#listeners.onOpened(connection, identity);
  }

  #failed(reason: CloseReason): void {
    this.#dial = null;
    this.#listeners.onFailed(reason);
    const wasReset = reason.code === 'CONNECTION_ENDED' || reason.code === 'SOCKET_ERROR';
    if (this.#newsTimer !== null && wasReset && this.#fastAttempts > 1) {
      this.#fastAttempts -= 1;
      this.#wait(1 + this.#random.integer(this.#context.limits.reconnectBackoffMs));
      return;
    }
    this.#tellNews(reason.code === 'CONNECTION_REFUSED');
    // A named refusal does not go away by asking often; an operator has to act.
    if (reason.code === 'REFUSED_BY_PEER') this.#wait(this.#context.limits.reconnectBackoffMaxMs);
    else this.#wait(this.#backoffMs());
  }

  #tellNews(refused: boolean): void {
    if (this.#newsTimer === null) return;
    this.#newsTimer.cancel();
    this.#newsTimer = null;
    this.#listeners.onClosedNews(refused);
  }

  #wait(delayMs: number): void {
    this.#state = 'waiting';
    this.#timer = this.#context.clock.setTimer(delayMs, () => this.#attempt());
  }

  /** Doubles with each failure; the half of it is left to chance, so that nodes do not dial in step. */
  #backoffMs(): number {
    const { reconnectBackoffMs, reconnectBackoffMaxMs } = this.#context.limits;
    const doublings = Math.min(this.#failures, 30);
    this.#failures += 1;
    const wholeMs = Math.min(reconnectBackoffMaxMs, reconnectBackoffMs * 2 ** doublings);
    return wholeMs - this.#random.integer(Math.floor(wholeMs / 2) + 1);
  }
}

/** An endpoint may come from another node, and the socket's own check would throw. */
function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
