import { equal } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../src/base/result.ts';
import { decodeBatch, encodeBatch, statedPreviousCrc } from '../../src/codec/batch.ts';
import { decodeCheckpointManifest, encodeCheckpointManifest } from '../../src/codec/checkpoint-manifest.ts';
import type { CodecError } from '../../src/codec/codec-error.ts';
import { decodeControlRecords, encodeControlRecords } from '../../src/codec/control-record.ts';
import { continueCrc, crcOf } from '../../src/codec/crc.ts';
import { decodeDescriptor, encodeDescriptor } from '../../src/codec/descriptor.ts';
import { decodeNodeProperties, encodeNodeProperties } from '../../src/codec/node-properties.ts';
import { decodePeerMessage, encodePeerMessage } from '../../src/codec/peer-message.ts';
import { decodeQuorumState, encodeQuorumState } from '../../src/codec/quorum-state.ts';
import { decodeRecords, encodeRecords } from '../../src/codec/record-value.ts';
import { builtInRegistry, type MetadataRecord } from '../../src/metadata/registry.ts';
import type { LogBatch } from '../../src/raft/batch.ts';
import { newestMetadataVersion } from '../metadata/cluster.ts';
import { arbitraryRecord } from '../metadata/samples.ts';
import {
  batchChains,
  controlRecords,
  manifests,
  nodeProperties,
  peerMessages,
  quorumStates,
  storedDescriptors,
} from './arbitrary-messages.ts';
import { check, timeoutMs } from './check.ts';
import { mutate, type Mutation, mutations } from './mutation.ts';

const { recordsByName } = builtInRegistry;

/** A format: what may be written, and how it becomes bytes and a value again. */
type Format<Value> = {
  readonly name: string;
  readonly legal: fc.Arbitrary<Value>;
  readonly encode: (value: Value) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Result<Value, CodecError>;
  /**
   * What stands within the frame, and the frame around other content. Lengths and checksums are made right
   * again, or nothing that was changed would ever reach what reads it.
   */
  readonly content: (bytes: Uint8Array) => Uint8Array;
  readonly reframe: (content: Uint8Array, original: Uint8Array) => Uint8Array;
  /** Whether a value has but one form: then what is taken is, byte for byte, what would be written. */
  readonly hasOneForm: (value: Value) => boolean;
  /** How many mutations are tried: more where few of them reach a field. */
  readonly mutationRuns: number;
};

/** Msgpack has wider forms of many values, which no encoder writes and every decoder takes. */
const loose = { hasOneForm: () => false, mutationRuns: 400 };

const envelope = {
  ...loose,
  content: (bytes: Uint8Array) => bytes.subarray(16),
  reframe: (content: Uint8Array, original: Uint8Array) => {
    const framed = Buffer.concat([original.subarray(0, 16), content]);
    framed.writeUInt32BE(content.length, 8);
    framed.writeUInt32BE(continueCrc(crcOf(framed.subarray(0, 12)), content), 12);
    return framed;
  },
};

const bare = {
  ...loose,
  content: (bytes: Uint8Array) => bytes,
  reframe: (content: Uint8Array) => content,
};

const peerMessageFormat: Format<unknown> = format({
  ...loose,
  name: 'a peer message',
  legal: peerMessages,
  encode: encodePeerMessage,
  decode: decodePeerMessage,
  content: (bytes) => bytes.subarray(1),
  reframe: (content, original) => Buffer.concat([original.subarray(0, 1), content]),
});

const schemas = [...recordsByName.values()].map(({ schema }) => schema);

const recordFormats = schemas.map((schema) =>
  format<MetadataRecord>({
    ...loose,
    // Of a record without fields little is left that may be changed and still be taken.
    mutationRuns: Object.keys(schema.fields).length === 0 ? 4_000 : loose.mutationRuns,
    name: schema.name,
    // The border to the registry: a value of the schema is one of its records.
    legal: arbitraryRecord(schema) as fc.Arbitrary<MetadataRecord>,
    encode: (record) => encodeRecords(builtInRegistry, [record], newestMetadataVersion),
    decode: (bytes) => first(decodeRecords(builtInRegistry, bytes, 1)),
    content: (bytes) => bytes.subarray(4),
    reframe: (content) => {
      const framed = Buffer.concat([Buffer.alloc(4), content]);
      framed.writeUInt32BE(content.length);
      return framed;
    },
  }),
);

const batchFormat = format<LogBatch>({
  name: 'a batch of the log',
  hasOneForm: (batch) => batch.kind === 'data',
  mutationRuns: 400,
  legal: batchChains.filter(({ batches }) => batches.length > 0).map(({ batches }) => batches[0] as LogBatch),
  encode: encodeAnew,
  decode: (bytes) => {
    const decoded = decodeBatch(bytes);
    if (!decoded.ok) return decoded;
    // Where a batch stands alone nothing may follow it; the log and a fetch see to that themselves.
    return decoded.value.header.length === bytes.length
      ? { ok: true, value: decoded.value.batch }
      : { ok: false, error: { code: 'MALFORMED', message: 'trailing bytes' } };
  },
  content: (bytes) => bytes.subarray(40),
  reframe: (content, original) => {
    const framed = Buffer.concat([original.subarray(0, 40), content]);
    framed.writeUInt32BE(framed.length, 4);
    framed.writeUInt32BE(continueCrc(crcOf(framed.subarray(0, 36)), content), 36);
    return framed;
  },
});

const quorumStateFormat = format({
  name: 'a quorum state',
  hasOneForm: () => true,
  mutationRuns: 4_000,
  legal: quorumStates,
  encode: encodeQuorumState,
  decode: decodeQuorumState,
  content: (bytes) => bytes.subarray(0, 44),
  reframe: (content, original) => {
    const framed = Buffer.concat([content.subarray(0, 44), Buffer.alloc(4), original.subarray(48)]);
    if (framed.length === original.length) framed.writeUInt32BE(crcOf(framed.subarray(0, 44)), 44);
    return framed;
  },
});

const formats: readonly Format<unknown>[] = [
  peerMessageFormat,
  ...recordFormats,
  batchFormat,
  quorumStateFormat,
  format({
    name: 'a bootstrap descriptor',
    legal: storedDescriptors,
    encode: encodeDescriptor,
    decode: decodeDescriptor,
    ...envelope,
  }),
  format({
    name: 'the properties of a node',
    legal: nodeProperties,
    encode: encodeNodeProperties,
    decode: decodeNodeProperties,
    ...envelope,
  }),
  format({
    name: 'the manifest of a checkpoint',
    legal: manifests,
    encode: encodeCheckpointManifest,
    decode: decodeCheckpointManifest,
    ...envelope,
  }),
  format({
    name: 'the control records of a batch',
    legal: controlRecords,
    encode: encodeControlRecords,
    decode: decodeControlRecords,
    ...bare,
  }),
];

/** A format among others, whose values nobody looks into. */
function format<Value>(typed: Format<Value>): Format<unknown> {
  return typed as unknown as Format<unknown>;
}

function first(decoded: ReturnType<typeof decodeRecords>): Result<MetadataRecord, CodecError> {
  if (!decoded.ok) return decoded;
  const [record] = decoded.value;
  if (record === undefined) throw new Error('one record was asked for');
  return { ok: true, value: record };
}

/** As its leader would encode it: from its fields, without the bytes that it came in. */
function encodeAnew(batch: LogBatch): Uint8Array {
  if (batch.body.form !== 'encoded') throw new Error('a decoded batch has its bytes');
  const payload = batch.body.bytes.subarray(40);
  const made: LogBatch =
    batch.kind === 'control'
      ? { ...batch, body: { form: 'none' } }
      : { ...batch, body: { form: 'payload', bytes: payload } };
  return encodeBatch(made, statedPreviousCrc(batch));
}

/** The value as data: bytes of whatever class become one, while -0 and 0 stay apart. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

function expectSame(actual: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(plain(actual), plain(wanted))) return;
  // For the sentence that shows the difference; what differs only in -0 is told by the second.
  expect(plain(actual)).toStrictEqual(plain(wanted));
  throw new Error('the values differ');
}

describe.each(formats)('$name', ({ legal, encode, decode, content, reframe, hasOneForm, mutationRuns }) => {
  it('comes back as it was, and as the same bytes', { timeout: timeoutMs }, () => {
    check(
      fc.property(legal, (value) => {
        const bytes = encode(value);
        const decoded = decode(bytes);
        if (!decoded.ok) throw new Error(`refused: ${decoded.error.message}`);
        expectSame(decoded.value, value);
        expect(Buffer.compare(encode(decoded.value), bytes)).toBe(0);
      }),
      200,
    );
  });

  const survives = (bytes: Uint8Array): boolean => {
    const decoded = decode(bytes);
    if (!decoded.ok) return false;
    const again = encode(decoded.value);
    if (hasOneForm(decoded.value)) sameBytes(again, bytes);
    const second = decode(again);
    if (!second.ok) throw new Error(`taken, but not when written again: ${second.error.message}`);
    expectBody(second.value, decoded.value);
    sameBytes(encode(second.value), again);
    return true;
  };

  it('is refused or means the same when it is written again, whatever was changed in it', {
    timeout: timeoutMs,
  }, () => {
    let taken = 0;
    check(
      fc.property(legal, mutations, (value, changes: readonly Mutation[]) => {
        const bytes = encode(value);
        survives(mutate(bytes, changes));
        if (survives(reframe(mutate(content(bytes), changes), bytes))) taken++;
      }),
      mutationRuns,
    );
    // Were everything refused, nothing would have been shown about what is taken.
    expect(taken).toBeGreaterThan(0);
  });
});

function sameBytes(actual: Uint8Array, wanted: Uint8Array): void {
  equal(Buffer.from(actual).toString('hex'), Buffer.from(wanted).toString('hex'));
}

/** A batch holds the bytes that it came in, which may be another encoding of the same records. */
function expectBody(actual: unknown, wanted: unknown): void {
  expectSame(withoutBytes(actual), withoutBytes(wanted));
}

function withoutBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('kind' in value) || value.kind !== 'control')
    return value;
  return { ...value, body: null, sizeInBytes: null };
}

describe('the arbitrary peer messages', () => {
  it('are of every type', () => {
    const seen = new Set(fc.sample(peerMessages, 2_000).map(({ message }) => message.type));
    expect([...seen].sort()).toHaveLength(16);
  });
});
