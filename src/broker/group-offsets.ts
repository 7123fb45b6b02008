import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { failed, ok, type Result } from '../base/result.ts';
import { crcOf } from '../codec/crc.ts';
import { recordBatchEndOffset } from '../codec/record-batch/header.ts';
import { decodeRecordBatch, encodeRecordBatch, type NewRecord } from '../codec/record-batch/records.ts';
import type { Partition } from './partition.ts';
import type { BrokerProblem } from './problems.ts';
import { readBatches } from './read-batches.ts';

/** Where groups keep how far they are, replicated as any other topic (Kafka's name for it). */
export const offsetsTopic = '__consumer_offsets';
export const offsetsTopicPartitions = 8;

const committedSchema = Type.Object(
  {
    topic: Type.String({ minLength: 1, maxLength: 249 }),
    partition: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
    /** Of the next record that the group wants. */
    offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    metadata: Type.Optional(Type.String({ maxLength: 4_096 })),
  },
  { additionalProperties: false },
);
const commitSchema = Type.Object(
  { offsets: Type.Array(committedSchema, { minItems: 1, maxItems: 1_000 }) },
  { additionalProperties: false },
);
const keySchema = Type.Tuple([Type.String(), Type.String(), Type.Integer()]);

export type CommittedOffset = Static<typeof committedSchema>;

const commitValidator = Compile(commitSchema);
const committedValidator = Compile(committedSchema);
const keyValidator = Compile(keySchema);

export function isCommit(value: unknown): value is Static<typeof commitSchema> {
  return commitValidator.Check(value);
}

/** Which partition of the offsets' topic, of so many, keeps those of a group. */
export function partitionOfGroup(group: string, partitions: number): number {
  return crcOf(Buffer.from(group)) % partitions;
}

/** A commit as one batch: a record for each partition of a topic, of which the latest counts. */
export function encodeCommit(group: string, offsets: readonly CommittedOffset[], nowMs: number): Buffer {
  const records = offsets.map((committed): NewRecord => {
    const { topic, partition } = committed;
    const key = Buffer.from(JSON.stringify([group, topic, partition]));
    return { timestampMs: nowMs, key, value: Buffer.from(JSON.stringify(committed)), headers: [] };
  });
  return encodeRecordBatch({ records });
}

type Table = {
  readonly groups: Map<string, Map<string, CommittedOffset>>;
  /** Up to where the log was taken in; only what is committed is, so that nothing of it is ever taken back. */
  next: number;
  /** One reader after the other: what one has read must not be applied after what another has read later. */
  reading: Promise<Result<null, BrokerProblem>>;
};

const readBytes = 1_048_576;
const loading: BrokerProblem = {
  code: 'COORDINATOR_NOT_AVAILABLE',
  message: 'The leader does not know yet up to where the offsets are committed. Ask again.',
  retryAfterMs: 100,
};

/** The committed offsets of the groups whose partition this broker leads, as the log has them. */
export class GroupOffsets {
  readonly #tables = new WeakMap<Partition, Table>();

  /** As of now, or later. */
  async read(
    partition: Partition,
    group: string,
  ): Promise<Result<readonly CommittedOffset[], BrokerProblem>> {
    const table = this.#tableOf(partition);
    table.reading = table.reading.then(() => catchUp(partition, table));
    const read = await table.reading;
    return read.ok ? ok([...(table.groups.get(group)?.values() ?? [])]) : read;
  }

  #tableOf(partition: Partition): Table {
    const known = this.#tables.get(partition);
    if (known !== undefined) return known;
    const next = partition.logStartOffset;
    const table: Table = { groups: new Map(), next, reading: Promise.resolve(ok(null)) };
    this.#tables.set(partition, table);
    return table;
  }
}

/** Each look at what is visible looks at the lease, the last one after all has been read. */
async function catchUp(partition: Partition, table: Table): Promise<Result<null, BrokerProblem>> {
  for (;;) {
    const visible = partition.visibleEndOffset;
    if (visible === null) return failed(loading);
    if (table.next >= visible) return ok(null);
    const read = await readBatches(partition, table.next, visible, readBytes);
    if (!read.ok) return failed(read.error);
    for (const batch of read.value) {
      const decoded = decodeRecordBatch(batch);
      if (!decoded.ok) return failed(decoded.error);
      for (const { key, value } of decoded.value.records) apply(table, key, value);
      table.next = recordBatchEndOffset(decoded.value.header);
    }
  }
}

/** What somebody else has produced to the topic is left out. */
function apply({ groups }: Table, keyBytes: Uint8Array | null, valueBytes: Uint8Array | null): void {
  const key = parse(keyBytes);
  const committed = parse(valueBytes);
  if (!keyValidator.Check(key) || !committedValidator.Check(committed)) return;
  const [group, topic, partition] = key;
  const offsets = groups.get(group) ?? new Map<string, CommittedOffset>();
  groups.set(group, offsets);
  offsets.set(`${topic} ${partition}`, committed);
}

function parse(bytes: Uint8Array | null): unknown {
  if (bytes === null) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
