import type { CodecError } from './codec-error.ts';
import { malformed } from './codec-error.ts';
import { ok, type Result } from '../base/result.ts';
import { viewOf } from './int64.ts';

export type MsgpackLimits = {
  /** Arrays and maps within each other; a scalar at the top has depth 0. */
  readonly nestingMax: number;
  readonly valuesMax: number;
  /** Maps are refused unless they are allowed: our own formats are positional. */
  readonly allowMaps: boolean;
};

/**
 * Walks one msgpack value without building it, and says whether it is safe to hand to a decoder:
 * 1. no extension type and no reserved byte stands in it, so no decoder runs code for it;
 * 2. every length fits into the bytes that are there, so none allocates what was only announced;
 * 3. nesting and the number of values are bounded, so none overflows the stack;
 * 4. nothing follows the value.
 */
export function checkMsgpackShape(bytes: Uint8Array, limits: MsgpackLimits): Result<null, CodecError> {
  const view = viewOf(bytes);
  // How many values each open container still waits for; a loop with its own stack cannot overflow.
  const open: number[] = [];
  let position = 0;
  let values = 0;
  let waiting = 1;

  for (;;) {
    while (waiting === 0) {
      const outer = open.pop();
      if (outer === undefined) {
        return position === bytes.length ? ok(null) : malformed(`${bytes.length - position} trailing bytes`);
      }
      waiting = outer;
    }
    waiting--;
    values++;
    if (values > limits.valuesMax) return malformed(`more than ${limits.valuesMax} values`);
    const head = headAt(view, position);
    if (head === null) return malformed(`a value at byte ${position} is cut short or of a refused type`);
    position = head.next;
    if (position > bytes.length) return malformed(`a value ends at byte ${position} of ${bytes.length}`);
    if (head.children < 0) continue;
    if (head.isMap && !limits.allowMaps) return malformed(`a map at byte ${position}, where none is allowed`);
    // Each child takes at least one byte, so a count above the bytes left is a lie.
    if (head.children > bytes.length - position) return malformed('a container announces more than there is');
    if (open.length >= limits.nestingMax) return malformed(`nested deeper than ${limits.nestingMax}`);
    open.push(waiting);
    waiting = head.children;
  }
}

type Head = { readonly next: number; readonly children: number; readonly isMap: boolean };

/** Bytes that follow the first byte of a scalar of fixed size, by that byte less 0xc0; -1 for all others. */
const scalarSizes = [
  0, -1, 0, 0, -1, -1, -1, -1, -1, -1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1,
] as const;

function headAt(view: DataView, position: number): Head | null {
  if (position >= view.byteLength) return null;
  const first = view.getUint8(position);
  const after = position + 1;
  if (first <= 0x7f || first >= 0xe0) return scalar(after);
  if (first <= 0x8f) return { next: after, children: 2 * (first & 0x0f), isMap: true };
  if (first <= 0x9f) return { next: after, children: first & 0x0f, isMap: false };
  if (first <= 0xbf) return scalar(after + (first & 0x1f));
  const size = scalarSizes[first - 0xc0] ?? -1;
  if (size >= 0) return scalar(after + size);
  return sizedHeadAt(view, first, after);
}

function scalar(next: number): Head {
  return { next, children: -1, isMap: false };
}

function sizedHeadAt(view: DataView, first: number, after: number): Head | null {
  const width = lengthWidths.get(first);
  if (width === undefined || after + width > view.byteLength) return null;
  const length = readLength(view, after, width);
  const next = after + width;
  if (first === 0xdc || first === 0xdd) return { next, children: length, isMap: false };
  if (first === 0xde || first === 0xdf) return { next, children: 2 * length, isMap: true };
  return scalar(next + length);
}

/** Byte strings, texts, arrays and maps with an explicit length. Extensions (0xc7–0xc9, 0xd4–0xd8) are absent. */
const lengthWidths: ReadonlyMap<number, 1 | 2 | 4> = new Map([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
  [0xdc, 2],
  [0xdd, 4],
  [0xde, 2],
  [0xdf, 4],
]);

function readLength(view: DataView, position: number, width: 1 | 2 | 4): number {
  if (width === 1) return view.getUint8(position);
  return width === 2 ? view.getUint16(position) : view.getUint32(position);
}
