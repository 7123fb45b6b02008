import * as fc from 'fast-check';
import { assert } from '../../src/base/assert.ts';

/** Bytes may be changed, cut out and put in; or one msgpack value may take another's place. */
export type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly mask: number }
  | { readonly kind: 'bytes'; readonly at: number; readonly remove: number; readonly insert: Uint8Array }
  | { readonly kind: 'value'; readonly at: number; readonly becomes: Uint8Array };

/**
 * Encodings of msgpack values that no encoder of ours writes, or that stand where they should not: minus
 * zero, what is no number, integers wider than they need be or beyond the safe ones, halves of characters,
 * bytes that are no UTF-8, a text for bytes, bytes for a text, an array for anything.
 */
const strangers: readonly string[] = `
  cb8000000000000000 cb7ff8000000000000 cb7ff0000000000000 cb3fe0000000000000 ca80000000
  cc05 cd0005 ce00000005 cf0000000000000005 cf0020000000000000 cfffffffffffffffff
  d0ff d1ffff d2ffffffff d3ffffffffffffffff d30000000000000005 ff 00 01 7f
  cb4014000000000000 cb4330000000000000 ca40a00000 cd7fff ce7fffffff ce80000000
  a0 a3eda080 a3edb080 a6eda080edb080 a1ff a2c080 d90161 da000161 db0000000161
  d928${'eda080'.repeat(13)}61 da0048${'edb080'.repeat(24)} d942${'61'.repeat(63)}eda080
  c0 c2 c3 90 9100 9190 91c0 9200c0 dc00010a dd000000010a c1
  c400 c40105 c50001ff c60000000105 c410${'00'.repeat(16)} c4020001`
  .trim()
  .split(/\s+/);

export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.oneof(
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('flip' as const),
        at: fc.nat({ max: 5_000 }),
        mask: fc.integer({ min: 1, max: 255 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('bytes' as const),
        at: fc.nat({ max: 5_000 }),
        remove: fc.nat({ max: 4 }),
        insert: fc.uint8Array({ maxLength: 4 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('value' as const),
        at: fc.nat({ max: 5_000 }),
        becomes: fc.constantFrom(...strangers).map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))),
      }),
    },
  ),
  { minLength: 1, maxLength: 3, size: 'max' },
);

/** Applies one mutation after another; a value is looked for only in bytes that are whole msgpack. */
export function mutate(bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  let changed = Uint8Array.from(bytes);
  for (const change of changes) {
    if (change.kind === 'flip') {
      const at = change.at % Math.max(1, changed.length);
      if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ change.mask;
      continue;
    }
    const [start, end] = change.kind === 'bytes' ? cutOf(changed, change) : valueOf(changed, change.at);
    const inserted = change.kind === 'bytes' ? change.insert : change.becomes;
    changed = Uint8Array.from([...changed.subarray(0, start), ...inserted, ...changed.subarray(end)]);
  }
  return changed;
}

function cutOf(
  bytes: Uint8Array,
  { at, remove }: { readonly at: number; readonly remove: number },
): readonly [number, number] {
  const start = at % (bytes.length + 1);
  return [start, Math.min(bytes.length, start + remove)];
}

/** Where one of the values stands; all of the bytes where they are not msgpack (any more). */
function valueOf(bytes: Uint8Array, at: number): readonly [number, number] {
  const spans: [number, number][] = [];
  const end = walk(bytes, 0, spans);
  if (end !== bytes.length || spans.length === 0) return [0, bytes.length];
  const span = spans[at % spans.length];
  assert(span !== undefined, 'there is a value');
  return span;
}

/** Notes where each value stands, and gives the end of the one at `at`; NaN when it is none of ours. */
function walk(bytes: Uint8Array, at: number, spans: [number, number][]): number {
  const first = bytes[at] ?? 0xc1;
  const span: [number, number] = [at, at];
  spans.push(span);
  const [headBytes, bodyBytes, children] = shapeOf(bytes, at, first);
  let end = at + headBytes + bodyBytes;
  for (let child = 0; child < children && end <= bytes.length; child++) end = walk(bytes, end, spans);
  span[1] = end;
  return end <= bytes.length ? end : Number.NaN;
}

const scalarBytes: ReadonlyMap<number, number> = new Map([
  ...[0xc0, 0xc2, 0xc3].map((head) => [head, 0] as const),
  ...[0xcc, 0xd0].map((head) => [head, 1] as const),
  ...[0xcd, 0xd1].map((head) => [head, 2] as const),
  ...[0xca, 0xce, 0xd2].map((head) => [head, 4] as const),
  ...[0xcb, 0xcf, 0xd3].map((head) => [head, 8] as const),
]);

/** Length of the head, of what follows it, and how many values stand within. */
function shapeOf(bytes: Uint8Array, at: number, first: number): readonly [number, number, number] {
  if (first < 0x80 || first >= 0xe0) return [1, 0, 0];
  if (first >= 0x90 && first < 0xa0) return [1, 0, first & 0x0f];
  if (first >= 0xa0 && first < 0xc0) return [1, first & 0x1f, 0];
  const scalar = scalarBytes.get(first);
  if (scalar !== undefined) return [1, scalar, 0];
  const width = { 0xc4: 1, 0xd9: 1, 0xc5: 2, 0xda: 2, 0xdc: 2, 0xc6: 4, 0xdb: 4, 0xdd: 4 }[first];
  if (width === undefined || at + 1 + width > bytes.length) return [1, Number.NaN, 0];
  const length = Buffer.from(bytes).readUIntBE(at + 1, width);
  return first >= 0xdc ? [1 + width, 0, length] : [1 + width, length, 0];
}
