import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { epoch, offset } from '../../src/base/brands.ts';
import { decodeBatch } from '../../src/codec/batch.ts';
import { decodeDescriptor, encodeDescriptor } from '../../src/codec/descriptor.ts';
import { decodeNodeProperties, encodeNodeProperties } from '../../src/codec/node-properties.ts';
import { decodePeerMessage, encodePeerMessage } from '../../src/codec/peer-message.ts';
import { decodeQuorumState, encodeQuorumState } from '../../src/codec/quorum-state.ts';
import { decodeFrameBody, decodeFrameHeader, FrameBuffer } from '../../src/runtime/log/frame.ts';
import { decodeSegmentHeader, encodeSegmentHeader } from '../../src/runtime/log/segment-header.ts';
import { bytesOf } from '../storage/log-bench.ts';
import {
  batches,
  foundedStoredDescriptor,
  messages,
  nodeProperties,
  quorumStateCopy,
  storedDescriptor,
} from '../codec/messages.ts';

/**
 * Every format that leaves this process, pinned byte for byte. A change here is a new version of the
 * format, never an edit of a file. `GOLDEN=write` writes files that are missing, and only these.
 */
const folder = new URL('./formats/', import.meta.url);
const place = { sequence: 3, position: 1_024 };
const header = {
  sequence: 3,
  sizeBytes: 8_192,
  beginsAnew: true,
  baseOffset: offset(2 ** 33),
  epoch: epoch(4),
  chainCrc: 0xdeadbeef,
};
const frame = Uint8Array.from(
  new FrameBuffer().encode(
    place,
    { baseOffset: offset(4_294_967_296), endOffset: offset(4_294_977_299), chainCrc: 7 },
    batches.map(bytesOf),
  ),
);

const formats: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => boolean])[] = [
  ['batch-control', bytesOf(batches[0] as (typeof batches)[number]), (bytes) => decodeBatch(bytes).ok],
  ['batch-data', bytesOf(batches[1] as (typeof batches)[number]), (bytes) => decodeBatch(bytes).ok],
  ['segment-header', encodeSegmentHeader(header), (bytes) => decodeSegmentHeader(bytes).ok],
  [
    'frame',
    frame,
    (bytes) => {
      const decoded = decodeFrameHeader(bytes, place);
      return decoded.ok && decodeFrameBody(bytes, decoded.value).ok;
    },
  ],
  ['quorum-state', encodeQuorumState(quorumStateCopy), (bytes) => decodeQuorumState(bytes).ok],
  ['node-properties', encodeNodeProperties(nodeProperties), (bytes) => decodeNodeProperties(bytes).ok],
  ['bootstrap-descriptor', encodeDescriptor(storedDescriptor), (bytes) => decodeDescriptor(bytes).ok],
  [
    'bootstrap-descriptor-with-levels',
    encodeDescriptor(foundedStoredDescriptor),
    (bytes) => decodeDescriptor(bytes).ok,
  ],
  ...messages.map((message, index) => {
    const name = `message-${String(index).padStart(2, '0')}-${message.message.type}`;
    return [name, encodePeerMessage(message), (bytes: Uint8Array) => decodePeerMessage(bytes).ok] as const;
  }),
];

describe('golden formats', () => {
  it.each(formats)('%s has the bytes that were released', (name, bytes, decodes) => {
    const file = new URL(`${name}.hex`, folder);
    if (process.env['GOLDEN'] === 'write' && !existsSync(file)) writeFileSync(file, inLines(bytes));
    const golden = readFileSync(file, 'utf8');
    expect(inLines(bytes)).toBe(golden);
    expect(decodes(Buffer.from(golden.replaceAll('\n', ''), 'hex'))).toBe(true);
  });

  it.each([
    ['quorum state', decodeQuorumState, encodeQuorumState(quorumStateCopy)],
    ['node properties', decodeNodeProperties, encodeNodeProperties(nodeProperties)],
    ['bootstrap descriptor', decodeDescriptor, encodeDescriptor(storedDescriptor)],
    ['segment header', decodeSegmentHeader, encodeSegmentHeader(header)],
  ] as const)(
    'a %s with any changed byte of its content is refused and never misread',
    (_name, decode, bytes) => {
      for (let position = 0; position < bytes.length; position++) {
        const changed = Buffer.from(bytes);
        changed[position] = (changed[position] as number) ^ 0x20;
        const decoded = decode(changed);
        // What follows a segment header in its sector is of no meaning; all else is covered.
        const refused = { ok: false, error: { code: 'MALFORMED' } };
        expect(decoded).toMatchObject(decoded.ok ? decode(bytes) : refused);
      }
      expect(decode(bytes.subarray(0, 10)).ok).toBe(false);
      expect(decode(new Uint8Array(0)).ok).toBe(false);
    },
  );
});

function inLines(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.match(/.{1,64}/g)?.join('\n') ?? ''}\n`;
}
