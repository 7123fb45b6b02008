/** Keeps what happened, in order, and lets a test wait for what it needs to happen. */
export class Recorder<Item> {
  readonly items: Item[] = [];
  #waiters: (() => void)[] = [];

  push(item: Item): void {
    this.items.push(item);
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** The first item at or after index `from` that matches, as soon as there is one. */
  async first(matches: (item: Item) => boolean, from = 0): Promise<Item> {
    for (let index = from; ; index++) {
      while (index >= this.items.length) await this.#change();
      const item = this.items[index];
      if (item !== undefined && matches(item)) return item;
    }
  }

  async count(countMin: number, matches: (item: Item) => boolean = () => true): Promise<readonly Item[]> {
    for (;;) {
      const found = this.items.filter(matches);
      if (found.length >= countMin) return found;
      await this.#change();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}
