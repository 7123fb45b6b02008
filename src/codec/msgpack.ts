import { Packr, Unpackr } from 'msgpackr';
import { ok, type Result } from '../base/result.ts';
import { malformed, type CodecError } from './codec-error.ts';
import { codecLimits } from './limits.ts';
import { checkMsgpackShape, type MsgpackLimits } from './msgpack-shape.ts';

// No record extension and the shortest map headers, so that the bytes are plain msgpack (design 4).
const options = { useRecords: false, variableMapSize: true, int64AsType: 'bigint' } as const;
const packer = new Packr(options);
const unpacker = new Unpackr(options);

const positional: MsgpackLimits = {
  nestingMax: codecLimits.nestingMax,
  valuesMax: codecLimits.valuesMax,
  allowMaps: false,
};

/** Packs numbers, texts, booleans, null, byte arrays and arrays of these. Gives bytes of its own. */
export function packPositional(value: readonly unknown[]): Uint8Array {
  return packer.pack(value);
}

/** Packs any plain value, objects as maps with their names: for readers that are not of our own making. */
export function packPlain(value: unknown): Uint8Array {
  return packer.pack(value);
}

/**
 * Unpacks one positional value after its shape was checked: no extensions, no maps, no trailing bytes,
 * bounded nesting. Byte arrays in the result are views into `bytes`. Never throws.
 */
export function unpackPositional(
  bytes: Uint8Array,
  limits: MsgpackLimits = positional,
): Result<unknown, CodecError> {
  return unpackRange(bytes, 0, bytes.length, limits);
}

/** The same for the bytes from `start` to `end`. */
export function unpackRange(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: MsgpackLimits = positional,
): Result<unknown, CodecError> {
  const shape = checkMsgpackShape(bytes, limits, start, end);
  if (!shape.ok) return shape;
  try {
    const value: unknown = unpacker.unpack(bytes, { start, end });
    return ok(value);
  } catch (error) {
    return malformed(`not msgpack: ${error instanceof Error ? error.message : String(error)}`);
  }
}
