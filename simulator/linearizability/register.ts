import type { HistoryEvent, SequentialSpecification } from './wing-gong-lowe.ts';

/** A register that begins at 0, and every write writes a value of its own. */
export type RegisterOperation =
  | { readonly kind: 'write'; readonly value: number }
  | { readonly kind: 'read'; readonly value: number };

export const register: SequentialSpecification<number, RegisterOperation> = {
  initial: 0,
  apply: (state, { kind, value }) => {
    if (kind === 'write') return value;
    return state === value ? state : null;
  },
  keyOf: (state) => state,
};

/**
 * The history without the writes of unknown outcome that nobody has read: an order that explains the others
 * explains all, since such a write may never have taken effect; and each of them would double the search.
 */
export function withoutUnseenWrites(
  history: readonly HistoryEvent<RegisterOperation>[],
): readonly HistoryEvent<RegisterOperation>[] {
  const returned = new Set<number>();
  const seen = new Set<number>();
  for (const event of history) {
    if (event.kind === 'returned') returned.add(event.id);
    else if (event.operation.kind === 'read') seen.add(event.operation.value);
  }
  return history.filter((event) => {
    if (event.kind === 'returned' || returned.has(event.id)) return true;
    return event.operation.kind === 'write' && seen.has(event.operation.value);
  });
}
