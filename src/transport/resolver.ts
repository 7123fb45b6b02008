import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import type { Clock } from '../ports/clock.ts';
import { setDrainedTimer } from './drained-timer.ts';

/** Resolves a host by the system's own rules; an empty list stands for a failure. */
export type LookUp = (host: string, complete: (addresses: readonly string[]) => void) => void;

/**
 * `getaddrinfo` honours the hosts file and search domains, which Node's own DNS client does not, and it
 * runs on the pool of threads that also writes the log.
 */
export const systemLookUp: LookUp = (host, complete) => {
  lookup(host, { all: true }, (error, found) =>
    complete(error === null ? found.map(({ address }) => address) : []),
  );
};

type Waiter = { readonly host: string; readonly complete: (addresses: readonly string[]) => void };

/**
 * Turns hosts into addresses and never holds up the log: addresses and `localhost` take no lookup, one
 * lookup at most is under way, so that a name server that does not answer blocks one thread of the pool
 * and not all, and after `timeoutMs` the last good addresses are used instead.
 */
export class AddressResolver {
  readonly #lookUp: LookUp;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #lastGood = new Map<string, readonly string[]>();
  readonly #waiters = new Set<Waiter>();
  #lookingUp: string | null = null;

  constructor(lookUp: LookUp, clock: Clock, timeoutMs: number) {
    this.#lookUp = lookUp;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Calls back once with addresses in the order in which to try them; none if the host is not known. For an
   * address or `localhost` it calls back from within this call. Gives a function that cancels.
   */
  resolve(host: string, complete: (addresses: readonly string[]) => void): () => void {
    const known = withoutLookup(host);
    if (known !== null) {
      complete(known);
      return () => {};
    }
    const finish = (addresses: readonly string[]): void => {
      cancel();
      complete(addresses);
    };
    const waiter = { host, complete: finish };
    const timer = setDrainedTimer(this.#clock, this.#timeoutMs, () => finish(this.#lastGood.get(host) ?? []));
    const cancel = (): void => {
      timer.cancel();
      this.#waiters.delete(waiter);
    };
    this.#waiters.add(waiter);
    this.#lookUpNext();
    return cancel;
  }

  #lookUpNext(): void {
    if (this.#lookingUp !== null) return;
    const next = this.#waiters.values().next();
    if (next.done === true) return;
    const { host } = next.value;
    this.#lookingUp = host;
    this.#lookUp(host, (addresses) => {
      this.#lookingUp = null;
      if (addresses.length > 0) this.#lastGood.set(host, addresses);
      const answer = this.#lastGood.get(host) ?? [];
      const answered = [...this.#waiters].filter((waiter) => waiter.host === host);
      for (const waiter of answered) waiter.complete(answer);
      this.#lookUpNext();
    });
  }
}

function withoutLookup(host: string): readonly string[] | null {
  if (isIP(host) !== 0) return [host];
  // RFC 6761, section 6.3: localhost is always loopback. IPv4 first, as our own listeners are.
  return host.toLowerCase() === 'localhost' ? ['127.0.0.1', '::1'] : null;
}
