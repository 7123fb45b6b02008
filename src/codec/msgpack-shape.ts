import type { CodecError } from './codec-error.ts';
import { malformed } from './codec-error.ts';
import { ok, type Result } from '../base/result.ts';

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
export function checkMsgpackShape(
  bytes: Uint8Array,
  limits: MsgpackLimits,
  start = 0,
  end = bytes.length,
): Result<null, CodecError> {
  // How many values each open container still waits for; a loop with its own stack cannot overflow.
  const open: number[] = [];
  let position = start;
  let values = 0;
  let waiting = 1;

  for (;;) {
    while (waiting === 0) {
      const outer = open.pop();
      if (outer === undefined) {
        return position === end ? done : malformed(`${end - position} trailing bytes`);
      }
      waiting = outer;
    }
    waiting--;
    values++;
    if (values > limits.valuesMax) return malformed(`more than ${limits.valuesMax} values`);
    const first = position < end ? (bytes[position] ?? reserved) : reserved;
    const width = lengthWidths[first] ?? refused;
    if (width === refused || position + 1 + width > end) {
      return malformed(`a value at byte ${position - start} is cut short or of a refused type`);
    }
    const length = width === 0 ? (ownLengths[first] ?? 0) : readLength(bytes, position + 1, width);
    position += 1 + width;
    const kind = kinds[first];
    if (kind === kindOf.scalar) {
      position += length;
      if (position > end) return malformed(`a value ends at byte ${position - start} of ${end - start}`);
      continue;
    }
    if (kind === kindOf.map && !limits.allowMaps) {
      return malformed(`a map at byte ${position - start}, where none is allowed`);
    }
    const children = kind === kindOf.map ? 2 * length : length;
    // Each child takes at least one byte, so a count above the bytes left is a lie.
    if (children > end - position) return malformed('a container announces more than there is');
    if (open.length >= limits.nestingMax) return malformed(`nested deeper than ${limits.nestingMax}`);
    open.push(waiting);
    waiting = children;
  }
}

const done = ok(null);
/** The one byte that msgpack gives no meaning. */
const reserved = 0xc1;
const refused = 255;
const kindOf = { scalar: 0, array: 1, map: 2 } as const;

type Head = { readonly kind: number; readonly width: number; readonly length: number };

/** What the first byte of a value says. */
function headOf(first: number): Head {
  if (first <= 0x7f || first >= 0xe0) return scalarOf(0);
  if (first <= 0x8f) return { kind: kindOf.map, width: 0, length: first & 0x0f };
  if (first <= 0x9f) return { kind: kindOf.array, width: 0, length: first & 0x0f };
  if (first <= 0xbf) return scalarOf(first & 0x1f);
  return headsFrom0xc0[first - 0xc0] ?? refusedHead;
}

function scalarOf(length: number): Head {
  return { kind: kindOf.scalar, width: 0, length };
}

function sized(kind: number, width: number): Head {
  return { kind, width, length: 0 };
}

const refusedHead: Head = { kind: kindOf.scalar, width: refused, length: 0 };
const { scalar, array, map } = kindOf;

/** From 0xc0 to 0xdf. */
const headsFrom0xc0: readonly Head[] = [
  // Null, the reserved byte, false, true.
  scalarOf(0),
  refusedHead,
  scalarOf(0),
  scalarOf(0),
  // Byte strings, and extensions.
  sized(scalar, 1),
  sized(scalar, 2),
  sized(scalar, 4),
  refusedHead,
  refusedHead,
  refusedHead,
  // Floats, unsigned integers, signed integers.
  scalarOf(4),
  scalarOf(8),
  scalarOf(1),
  scalarOf(2),
  scalarOf(4),
  scalarOf(8),
  scalarOf(1),
  scalarOf(2),
  scalarOf(4),
  scalarOf(8),
  // Extensions of fixed size.
  refusedHead,
  refusedHead,
  refusedHead,
  refusedHead,
  refusedHead,
  // Texts, arrays, maps.
  sized(scalar, 1),
  sized(scalar, 2),
  sized(scalar, 4),
  sized(array, 2),
  sized(array, 4),
  sized(map, 2),
  sized(map, 4),
];

/** By the first byte: how many bytes of length follow it, `refused` for an extension or the reserved byte. */
const lengthWidths = Uint8Array.from({ length: 256 }, (_, first) => headOf(first).width);
/** By the first byte, where no length follows: bytes of a scalar, or members of a container. */
const ownLengths = Uint8Array.from({ length: 256 }, (_, first) => headOf(first).length);
const kinds = Uint8Array.from({ length: 256 }, (_, first) => headOf(first).kind);

/** Big-endian and never negative. */
function readLength(bytes: Uint8Array, position: number, width: number): number {
  let length = 0;
  for (let at = 0; at < width; at++) length = length * 256 + (bytes[position + at] ?? 0);
  return length;
}
