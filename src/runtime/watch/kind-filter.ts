import type { Registry, WatchedKind } from '../../metadata/registry.ts';
import { endTransactionRecord } from '../../metadata/resources/transaction/resource.ts';
import type { WatchDelta } from './watch-api.ts';

const transactionEnd = endTransactionRecord.name;

/**
 * Leaves out the records of other kinds. What it makes of a delta it makes once, for all who watch the same
 * kinds; it holds no delta in memory by itself.
 */
export class KindFilter {
  readonly kinds: ReadonlySet<string>;
  readonly #registry: Registry;
  /** Null: nothing of the delta is left. */
  readonly #ofDelta = new WeakMap<WatchDelta, { readonly left: WatchDelta | null }>();
  readonly #ofArray = new WeakMap<readonly WatchDelta[], readonly WatchDelta[]>();

  constructor(registry: Registry, kinds: readonly WatchedKind[]) {
    this.#registry = registry;
    this.kinds = new Set(kinds);
  }

  /** The deltas that have something left, in their order. */
  apply(deltas: readonly WatchDelta[]): readonly WatchDelta[] {
    const known = this.#ofArray.get(deltas);
    if (known !== undefined) return known;
    const left = deltas.map((delta) => this.#filter(delta)).filter((delta) => delta !== null);
    this.#ofArray.set(deltas, left);
    return left;
  }

  #filter(delta: WatchDelta): WatchDelta | null {
    const known = this.#ofDelta.get(delta);
    if (known !== undefined) return known.left;
    const records = delta.records.filter(({ type }) => this.#isWanted(type));
    // The last part of a transaction says that it is whole, whatever it holds.
    const isLastPart =
      delta.continues === undefined && delta.records.some(({ type }) => type === transactionEnd);
    const left = records.length === 0 && !isLastPart ? null : { ...delta, records };
    this.#ofDelta.set(delta, { left });
    return left;
  }

  #isWanted(type: string): boolean {
    const name = this.#registry.recordsByName.get(type)?.resource.name;
    return name !== undefined && this.kinds.has(name);
  }
}

/** The same key for the same kinds, in whatever order they were named. */
export function filterKey(kinds: readonly WatchedKind[]): string {
  return [...new Set(kinds)].toSorted().join(',');
}
