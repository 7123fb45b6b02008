import { assert } from '../../src/base/assert.ts';

/** What one object does, one operation after the other. States are values: equal ones have equal keys. */
export type SequentialSpecification<State, Operation> = {
  readonly initial: State;
  /** The state after the operation, or null when its output cannot have come from `state`. */
  apply(state: State, operation: Operation): State | null;
  keyOf(state: State): string | number;
};

/**
 * A history in real time's order. An operation is invoked, and later it has returned (its output stands in
 * `operation`), or is never heard of again: then it may take effect at any later time, or never.
 */
export type HistoryEvent<Operation> =
  | { readonly kind: 'invoked'; readonly id: number; readonly operation: Operation }
  | { readonly kind: 'returned'; readonly id: number };

export type Verdict =
  | { readonly kind: 'linearizable' }
  /** No order explains what `id` returned. */
  | { readonly kind: 'not linearizable'; readonly id: number }
  /** More possibilities are open than are looked at. */
  | { readonly kind: 'undecided'; readonly id: number };

/** Possibilities that are kept at once; what is concurrent must be bounded for the search to end. */
const configurationsMax = 512;
/** … and looked at in one history: a queue that stays long would cost minutes, return by return. */
const stepsMax = 20_000;

type Configuration<State> = {
  readonly state: State;
  /** Operations that took effect and have not returned yet, in ascending order. */
  readonly done: readonly number[];
};

/**
 * Whether an order of the operations exists that respects real time and that the specification allows:
 * Wing and Gong's search (1993) with Lowe's memory of configurations, linearizing each operation no earlier
 * than it must, at its return (2017, "Testing for linearizability").
 *
 * It knows nothing of how the system under test orders things: it sees calls, returns and outputs.
 */
export function checkLinearizable<State, Operation>(
  specification: SequentialSpecification<State, Operation>,
  history: readonly HistoryEvent<Operation>[],
): Verdict {
  const search = new Search(specification);
  for (const event of history) {
    if (event.kind === 'invoked') {
      search.invoked(event.id, event.operation);
      continue;
    }
    const verdict = search.returned(event.id);
    if (verdict !== null) return verdict;
  }
  return { kind: 'linearizable' };
}

class Search<State, Operation> {
  readonly #specification: SequentialSpecification<State, Operation>;
  readonly #open = new Map<number, Operation>();
  #configurations: Map<string, Configuration<State>>;
  #steps = 0;

  constructor(specification: SequentialSpecification<State, Operation>) {
    this.#specification = specification;
    this.#configurations = new Map();
    this.#add(this.#configurations, { state: specification.initial, done: [] });
  }

  invoked(id: number, operation: Operation): void {
    assert(!this.#open.has(id), `operation ${id} is invoked twice`);
    this.#open.set(id, operation);
  }

  /** By now `id` has taken effect: what cannot be so is dropped. Null while anything is left. */
  returned(id: number): Verdict | null {
    const operation = this.#open.get(id);
    assert(operation !== undefined, `operation ${id} returns and was not invoked`);
    const explained = this.#open.size === 1 ? this.#explainAlone(operation) : this.#explain(id);
    if (explained === null) return { kind: 'undecided', id };
    this.#open.delete(id);
    this.#configurations = explained;
    return explained.size === 0 ? { kind: 'not linearizable', id } : null;
  }

  /** Most operations run alone: there is nothing to search. */
  #explainAlone(operation: Operation): Map<string, Configuration<State>> {
    const explained = new Map<string, Configuration<State>>();
    for (const { state, done } of this.#configurations.values()) {
      const after = done.length > 0 ? state : this.#specification.apply(state, operation);
      if (after !== null) this.#add(explained, { state: after, done: [] });
    }
    return explained;
  }

  /** Null where more is open than is looked at. */
  #explain(id: number): Map<string, Configuration<State>> | null {
    const explained = new Map<string, Configuration<State>>();
    const seen = new Map(this.#configurations);
    const queue = [...this.#configurations.values()];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (next.done.includes(id)) {
        this.#add(explained, { state: next.state, done: next.done.filter((done) => done !== id) });
        continue;
      }
      for (const successor of this.#successors(next)) {
        this.#steps++;
        if (this.#add(seen, successor)) queue.push(successor);
      }
      if (seen.size > configurationsMax || this.#steps > stepsMax) return null;
    }
    return explained;
  }

  /** What may be after one more of the open operations took effect. */
  *#successors({ state, done }: Configuration<State>): Generator<Configuration<State>, void, undefined> {
    for (const [id, operation] of this.#open) {
      if (done.includes(id)) continue;
      const after = this.#specification.apply(state, operation);
      if (after === null) continue;
      yield { state: after, done: [...done, id].toSorted((left, right) => left - right) };
    }
  }

  #add(into: Map<string, Configuration<State>>, configuration: Configuration<State>): boolean {
    const key = `${this.#specification.keyOf(configuration.state)} ${configuration.done.join()}`;
    if (into.has(key)) return false;
    into.set(key, configuration);
    return true;
  }
}
