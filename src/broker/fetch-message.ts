import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { failed, ok, type Result } from '../base/result.ts';

/**
 * What followers and leaders say to each other: `POST /v1/replica/fetch`, many partitions at once. The answer is
 * `application/octet-stream`: the length of a JSON header (u32, big-endian), the header, and then the record batches
 * of each partition that it names, in its order, `bytes` of each.
 */
const integer = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const epoch = Type.Integer({ minimum: -1, maximum: 2 ** 31 - 1 });
/** A broker holds so many of one leader's at most, or asks in several requests. */
export const partitionsPerFetchMax = 10_000;

const partitionFetchSchema = Type.Object({
  topicId: Type.String({ minLength: 22, maxLength: 22 }),
  partition: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
  currentLeaderEpoch: epoch,
  fetchOffset: integer,
  flushedOffset: integer,
  lastFetchedEpoch: epoch,
});

const replicaFetchSchema = Type.Object({
  brokerId: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
  brokerEpoch: Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }),
  maxWaitMs: Type.Integer({ minimum: 0, maximum: 600_000 }),
  maxBytes: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
  partitions: Type.Array(partitionFetchSchema, { minItems: 1, maxItems: partitionsPerFetchMax }),
});

const partitionAnswerSchema = Type.Object({
  topicId: Type.String(),
  partition: Type.Integer(),
  /** -1 where there is an error. */
  highWatermark: Type.Integer(),
  /** Where the leader's log begins; -1 where it has none. */
  logStartOffset: Type.Integer(),
  /** With OFFSET_OUT_OF_RANGE: the epoch of the last record below `logStartOffset`; -1 for none, or unknown. */
  logStartEpoch: Type.Optional(Type.Integer()),
  /** Of record batches behind the header. */
  bytes: Type.Integer({ minimum: 0 }),
  /** Their logs part: the newest epoch of the leader's that is not newer than the follower's, and where it ends. */
  divergingEpoch: Type.Optional(Type.Object({ epoch: Type.Integer(), endOffset: Type.Integer() })),
  error: Type.Optional(Type.String()),
});

const headerSchema = Type.Object({ partitions: Type.Array(partitionAnswerSchema) });

export type PartitionFetch = Static<typeof partitionFetchSchema>;
export type ReplicaFetch = Static<typeof replicaFetchSchema>;
export type PartitionAnswer = Static<typeof partitionAnswerSchema>;

const fetchValidator = Compile(replicaFetchSchema);
const headerValidator = Compile(headerSchema);

export function isReplicaFetch(value: unknown): value is ReplicaFetch {
  return fetchValidator.Check(value);
}

/** Where a request is not one, in words. */
export function replicaFetchFault(value: unknown): string {
  const [first] = fetchValidator.Errors(value);
  return first === undefined ? 'it is none' : `${first.instancePath || 'the body'} ${first.message}`;
}

/** The error of a fetch below where the leader's log begins, or of a log that parts from it below there. */
export const outOfRange = 'OFFSET_OUT_OF_RANGE';

const lengthBytes = 4;

export function encodeReplicaAnswer(
  partitions: readonly PartitionAnswer[],
  batches: readonly Uint8Array[],
): Buffer {
  const header = Buffer.from(JSON.stringify({ partitions }));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(header.length);
  return Buffer.concat([length, header, ...batches]);
}

export type ReadAnswerPart = { readonly answer: PartitionAnswer; readonly bytes: Uint8Array };

/** Each partition's part of an answer, with its bytes. Never throws; the failure is a sentence. */
export function decodeReplicaAnswer(body: Buffer): Result<readonly ReadAnswerPart[], string> {
  if (body.length < lengthBytes) return failed('an answer without a header');
  const end = lengthBytes + body.readUInt32BE(0);
  if (end > body.length) return failed('an answer whose header is cut short');
  const header = parse(body.toString('utf8', lengthBytes, end));
  if (!headerValidator.Check(header)) return failed('an answer whose header is none');
  const parts: ReadAnswerPart[] = [];
  let position = end;
  for (const answer of header.partitions) {
    const next = position + answer.bytes;
    if (next > body.length) return failed('an answer whose records are cut short');
    parts.push({ answer, bytes: body.subarray(position, next) });
    position = next;
  }
  return position === body.length ? ok(parts) : failed('bytes follow an answer');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
