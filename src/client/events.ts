import { assert } from '../base/assert.ts';

/** More that wait are a reader that has stopped reading. */
const waitingMax = 10_000;

export type EventSource<Event> = {
  /** Calls back with every event from now on; returns the function that ends it. */
  readonly subscribe: (listener: (event: Event) => void) => () => void;
  /** Nothing comes any more. */
  readonly isOver: boolean;
  /** Nothing comes after this one. */
  readonly isLast: (event: Event) => boolean;
};

/**
 * Events as an iterator for `for await`. It holds what its reader has not taken yet; what is too much for that ends
 * it with an error, because an event that is left out would be believed not to have happened.
 */
export function iterateEvents<Event>(source: EventSource<Event>): AsyncIterableIterator<Event> {
  return new EventIterator(source);
}

class EventIterator<Event> implements AsyncIterableIterator<Event> {
  readonly #source: EventSource<Event>;
  readonly #unsubscribe: () => void;
  #waiting: Event[] = [];
  #reader: { resolve(result: IteratorResult<Event>): void; reject(error: Error): void } | null = null;
  #error: Error | null = null;
  #isOver = false;

  constructor(source: EventSource<Event>) {
    this.#source = source;
    this.#unsubscribe = source.subscribe((event) => this.#take(event));
    if (source.isOver) this.#end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Event>> {
    assert(this.#reader === null, 'events are read one at a time');
    const [event] = this.#waiting.splice(0, 1);
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#isOver) return Promise.resolve(over);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Event>> {
    this.#end();
    this.#waiting = [];
    this.#reader?.resolve(over);
    this.#reader = null;
    return Promise.resolve(over);
  }

  #take(event: Event): void {
    if (this.#source.isLast(event)) this.#end();
    const reader = this.#reader;
    this.#reader = null;
    if (reader !== null) reader.resolve({ done: false, value: event });
    else if (this.#waiting.length < waitingMax) this.#waiting.push(event);
    else {
      this.#end();
      this.#error = new Error(`${waitingMax} events wait for their reader; it has to begin again.`);
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#unsubscribe();
  }
}

const over = { done: true, value: undefined } as const;
