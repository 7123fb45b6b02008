import { ok, type Result } from '../base/result.ts';
import { type CodecError, malformed, unsupportedVersion } from './codec-error.ts';
import { continueCrc, crcOf } from './crc.ts';
import { viewOf } from './int64.ts';

/**
 * A small file of ours that is written whole: 4 bytes of magic, a version (uint16), two zero bytes, the
 * payload's length (uint32), a CRC-32 of these 12 bytes and the payload, and the payload. Big-endian.
 */
const headerBytes = 16;

export type EnvelopeKind = { readonly what: string; readonly magic: number; readonly version: number };

export function wrapPayload(kind: EnvelopeKind, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + payload.length);
  const view = viewOf(bytes);
  view.setUint32(0, kind.magic);
  view.setUint16(4, kind.version);
  view.setUint32(8, payload.length);
  bytes.set(payload, headerBytes);
  view.setUint32(12, envelopeCrc(bytes));
  return bytes;
}

/** Gives the payload after every byte of the envelope was checked. Never throws. */
export function unwrapPayload(kind: EnvelopeKind, bytes: Uint8Array): Result<Uint8Array, CodecError> {
  if (bytes.length < headerBytes) return malformed(`the ${kind.what} has only ${bytes.length} bytes`);
  const view = viewOf(bytes);
  if (view.getUint32(0) !== kind.magic) return malformed(`the ${kind.what} does not begin with its magic`);
  if (view.getUint32(8) !== bytes.length - headerBytes)
    return malformed(`the ${kind.what} has a wrong length`);
  if (view.getUint32(12) !== envelopeCrc(bytes)) return malformed(`the ${kind.what} fails its CRC`);
  const version = view.getUint16(4);
  if (version !== kind.version) return unsupportedVersion(kind.what, version, kind.version);
  if (view.getUint16(6) !== 0) return malformed(`the ${kind.what} has an unknown flag`);
  return ok(bytes.subarray(headerBytes));
}

function envelopeCrc(bytes: Uint8Array): number {
  return continueCrc(crcOf(bytes.subarray(0, 12)), bytes.subarray(headerBytes));
}
