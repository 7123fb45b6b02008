/**
 * First in, first out, in constant amortised time. `Array.shift` moves every item that stays, and the
 * leader's queues are long when a flush takes its time.
 */
export class Queue<Item> {
  #items: Item[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  first(): Item | undefined {
    return this.#items[this.#head];
  }

  last(): Item | undefined {
    return this.length === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Removes the first item; the space of removed items is given back once they are the larger half. */
  removeFirst(): void {
    if (this.length === 0) return;
    this.#head += 1;
    if (this.#head < 64 || this.#head * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }

  /** Replaces each item in place, in order. */
  update(change: (item: Item) => Item): void {
    for (let at = this.#head; at < this.#items.length; at++) {
      const item = this.#items[at];
      if (item !== undefined) this.#items[at] = change(item);
    }
  }

  /** Empties the queue and returns what was in it, in order. */
  drain(): readonly Item[] {
    const items = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    return items;
  }
}
