import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { failed, ok, type Result } from '../base/result.ts';
import type { HeaderOfRecord, NewRecord, StoredRecord } from '../codec/record-batch/records.ts';

/**
 * Records as JSON has them: a text is its UTF-8, and bytes that are none stand as base64 under `keyBase64` and
 * `valueBase64`. Headers are a list, because their names may repeat; an object is taken, too.
 */
const text = Type.Union([Type.String(), Type.Null()]);
const headerSchema = Type.Object(
  { key: Type.String(), value: Type.Optional(text), valueBase64: Type.Optional(Type.String()) },
  { additionalProperties: false },
);
const recordSchema = Type.Object(
  {
    key: Type.Optional(text),
    keyBase64: Type.Optional(Type.String()),
    value: Type.Optional(text),
    valueBase64: Type.Optional(Type.String()),
    headers: Type.Optional(
      Type.Union([Type.Array(headerSchema, { maxItems: 10_000 }), Type.Record(Type.String(), text)]),
    ),
    /** In ms since 1970; the broker's own clock's when absent. */
    timestamp: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  },
  { additionalProperties: false },
);
const bodySchema = Type.Object(
  {
    records: Type.Array(recordSchema, { minItems: 1, maxItems: 100_000 }),
    producerId: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    producerEpoch: Type.Optional(Type.Integer({ minimum: 0, maximum: 32_767 })),
    baseSequence: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
  },
  { additionalProperties: false },
);

type ProduceBody = Static<typeof bodySchema>;
type JsonRecord = Static<typeof recordSchema>;

const validator = Compile(bodySchema);

export type ReadRecords = {
  readonly records: readonly NewRecord[];
  readonly producer: {
    readonly producerId: number;
    readonly producerEpoch: number;
    readonly baseSequence: number;
  } | null;
};

/** The failure is a sentence for the caller. */
export function readJsonRecords(value: unknown, nowMs: number): Result<ReadRecords, string> {
  if (!validator.Check(value)) {
    const [first] = validator.Errors(value);
    return failed(`The body is no list of records: ${first?.instancePath || 'it'} ${first?.message ?? ''}.`);
  }
  const producer = producerOf(value);
  if (!producer.ok) return producer;
  const records: NewRecord[] = [];
  for (const record of value.records) {
    const key = bytesOf(record.key, record.keyBase64, 'key');
    if (!key.ok) return key;
    const read = bytesOf(record.value, record.valueBase64, 'value');
    if (!read.ok) return read;
    const headers = headersOf(record.headers);
    if (!headers.ok) return headers;
    const timestampMs = record.timestamp ?? nowMs;
    records.push({ timestampMs, key: key.value, value: read.value, headers: headers.value });
  }
  return ok({ records, producer: producer.value });
}

function producerOf({
  producerId,
  producerEpoch,
  baseSequence,
}: ProduceBody): Result<ReadRecords['producer'], string> {
  if (producerId === undefined && producerEpoch === undefined && baseSequence === undefined) return ok(null);
  if (producerId === undefined || producerEpoch === undefined || baseSequence === undefined) {
    return failed('producerId, producerEpoch and baseSequence belong together: give all of them or none.');
  }
  return ok({ producerId, producerEpoch, baseSequence });
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function bytesOf(
  given: string | null | undefined,
  encoded: string | undefined,
  name: string,
): Result<Uint8Array | null, string> {
  if (encoded === undefined) return ok(given === undefined || given === null ? null : Buffer.from(given));
  if (given !== undefined) return failed(`A record has ${name} and ${name}Base64; give one of them.`);
  return base64.test(encoded) ? ok(Buffer.from(encoded, 'base64')) : failed(`${name}Base64 is no base64.`);
}

function headersOf(headers: JsonRecord['headers']): Result<readonly HeaderOfRecord[], string> {
  if (headers === undefined) return ok([]);
  if (!Array.isArray(headers)) {
    return ok(
      Object.entries(headers).map(([key, value]) => ({
        key,
        value: value === null ? null : Buffer.from(value),
      })),
    );
  }
  const read: HeaderOfRecord[] = [];
  for (const { key, value, valueBase64 } of headers) {
    const bytes = bytesOf(value, valueBase64, 'value');
    if (!bytes.ok) return bytes;
    read.push({ key, value: bytes.value });
  }
  return ok(read);
}

/** A record as a consumer is shown it. */
export type ShownRecord = {
  readonly offset: number;
  readonly timestamp: number;
  readonly key?: string | null;
  readonly keyBase64?: string;
  readonly value?: string | null;
  readonly valueBase64?: string;
  readonly headers: readonly {
    readonly key: string;
    readonly value?: string | null;
    readonly valueBase64?: string;
  }[];
};

export function showRecord({ offset, timestampMs, key, value, headers }: StoredRecord): ShownRecord {
  const shownKey = shown(key);
  return {
    offset,
    timestamp: timestampMs,
    ...(typeof shownKey === 'object' && shownKey !== null
      ? { keyBase64: shownKey.base64 }
      : { key: shownKey }),
    ...shownValue(value),
    headers: headers.map((header) => ({ key: header.key, ...shownValue(header.value) })),
  };
}

function shownValue(
  bytes: Uint8Array | null,
): { readonly value: string | null } | { readonly valueBase64: string } {
  const value = shown(bytes);
  return typeof value === 'object' && value !== null ? { valueBase64: value.base64 } : { value };
}

function shown(bytes: Uint8Array | null): string | null | { readonly base64: string } {
  if (bytes === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}
