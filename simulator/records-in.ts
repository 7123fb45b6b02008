import { assert } from '../src/base/assert.ts';
import { decodeRecords } from '../src/codec/record-value.ts';
import { builtInRegistry, type MetadataRecord } from '../src/metadata/registry.ts';
import type { WrittenBatch } from './hosts/host.ts';

/** By the bytes themselves, which are kept for as long as anybody may ask for them, and change no more. */
const decoded = new WeakMap<Uint8Array, readonly MetadataRecord[]>();

/** The records of a batch of metadata, as several checkers ask for them: decoded once. */
export function recordsIn({ payload, baseOffset, endOffset }: WrittenBatch): readonly MetadataRecord[] {
  if (payload === null) return [];
  const known = decoded.get(payload);
  if (known !== undefined) return known;
  const records = decodeRecords(builtInRegistry, payload, endOffset - baseOffset);
  assert(records.ok, 'a proposed payload can be read');
  decoded.set(payload, records.value);
  return records.value;
}
