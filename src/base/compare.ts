/** A total order: negative, zero or positive. Never by locale, which differs between machines. */
export type Comparer<Key> = (left: Key, right: Key) => number;

export const compareNumbers: Comparer<number> = (left, right) => left - right;

/** By UTF-16 code units. */
export const compareStrings: Comparer<string> = (left, right) => (left < right ? -1 : left > right ? 1 : 0);

/** By unsigned bytes; a prefix goes first. */
export const compareBytes: Comparer<Uint8Array> = (left, right) => {
  const common = Math.min(left.length, right.length);
  for (let at = 0; at < common; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
};
