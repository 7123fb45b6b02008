import type { TransportEvents } from '../ports/transport.ts';

type Delivery = () => void;

/**
 * Hands events to the runtime one at a time and in order, and never from within a call that the runtime
 * makes into the transport (the contract in `ports/transport.ts`).
 */
export class EventQueue {
  readonly #events: TransportEvents;
  #waiting: Delivery[] = [];
  /** Calls of the runtime that are under way. */
  #depth = 0;
  #delivering = false;
  #scheduled = false;
  #ended = false;

  constructor(events: TransportEvents) {
    this.#events = events;
  }

  /** Runs a call of the runtime; events that it causes wait until it has returned. */
  call<Value>(body: () => Value): Value {
    this.#depth += 1;
    try {
      return body();
    } finally {
      this.#depth -= 1;
    }
  }

  emit(deliver: (events: TransportEvents) => void): void {
    if (this.#ended) return;
    this.#waiting.push(() => deliver(this.#events));
    if (this.#delivering) return;
    if (this.#depth > 0) this.#schedule();
    else this.#deliverAll();
  }

  /** Nothing is delivered from here on. */
  end(): void {
    this.#ended = true;
    this.#waiting = [];
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#deliverAll();
    });
  }

  #deliverAll(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      // An event may cause further ones, which join the end.
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
    } finally {
      this.#delivering = false;
    }
  }
}
