import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { failed, ok, type Result } from '../base/result.ts';
import { crcOf } from '../codec/crc.ts';
import { recordBatchEndOffset } from '../codec/record-batch/header.ts';
import {
  decodeRecordBatch,
  encodeRecordBatch,
  type NewRecord,
  type StoredRecord,
} from '../codec/record-batch/records.ts';
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
/** One that is written once more names where it stood first. */
const storedSchema = Type.Object({
  ...committedSchema.properties,
  at: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
});
const keySchema = Type.Tuple([Type.String(), Type.String(), Type.Integer()]);

export type CommittedOffset = Static<typeof committedSchema>;
type StoredOffset = Static<typeof storedSchema>;

const commitValidator = Compile(commitSchema);
const storedValidator = Compile(storedSchema);
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
  return encodeRecordBatch({ records: offsets.map((committed) => recordOf(group, committed, nowMs)) });
}

function recordOf(group: string, value: StoredOffset, timestampMs: number): NewRecord {
  const key = Buffer.from(JSON.stringify([group, value.topic, value.partition]));
  return { timestampMs, key, value: Buffer.from(JSON.stringify(value)), headers: [] };
}

/** `at` is where it was committed, and `timestampMs` when, also where it was written once more since. */
type Entry = { readonly committed: CommittedOffset; readonly at: number; readonly timestampMs: number };

type Table = {
  /** In which it was read: an unclean election may take back what was committed before. */
  readonly leaderEpoch: number;
  readonly groups: Map<string, Map<string, Entry>>;
  /** Up to where the log was taken in; only what is committed is, so that nothing of it is ever taken back. */
  next: number;
  /** One reader after the other: what one has read must not be applied after what another has read later. */
  reading: Promise<Result<null, BrokerProblem>>;
  isCompacting: boolean;
};

export type GroupOffsetsOptions = {
  /** A commit counts for so long (Kafka's `offsets.retention.minutes`). */
  readonly retentionMs: number;
  /** So many records more than twice those that count are too many. */
  readonly recordsMax: number;
  readonly wallMs: () => number;
};

const readBytes = 1_048_576;
/** Few enough to be encoded in a slice of some ms, whatever metadata they carry. */
const rewrittenPerBatch = 100;
const loading: BrokerProblem = {
  code: 'COORDINATOR_NOT_AVAILABLE',
  message: 'The leader does not know yet up to where the offsets are committed. Ask again.',
  retryAfterMs: 100,
};

/**
 * The committed offsets of the groups whose partition this broker leads, as the log has them. A log of too many records
 * is shortened by its leader: what counts of the records below some offset is written once more at the end, and only
 * once that is committed the log begins at that offset.
 *
 * Invariants
 * 1. The latest commit of a key, by where it was committed first, stands in the log at or above its start, committed:
 *    either where it was committed, or written once more; unless it has expired.
 * 2. One that is written once more never takes the place of a later commit: `at` says which is the later.
 */
export class GroupOffsets {
  readonly #options: GroupOffsetsOptions;
  readonly #tables = new WeakMap<Partition, Table>();

  constructor(options: GroupOffsetsOptions) {
    this.#options = options;
  }

  /** As of now, or later. */
  async read(
    partition: Partition,
    group: string,
  ): Promise<Result<readonly CommittedOffset[], BrokerProblem>> {
    const table = this.#tableOf(partition);
    const read = await this.#caughtUp(partition, table);
    if (!read.ok) return read;
    const entries = [...(table.groups.get(group)?.values() ?? [])];
    const counting = entries.filter((entry) => this.#counts(entry)).map(({ committed }) => committed);
    return ok(counting.toSorted(byPlace));
  }

  /** Shortens the log where it is too long. `append` gives whether a batch of the log's leader is committed. */
  async compact(partition: Partition, append: (batch: Buffer) => Promise<boolean>): Promise<void> {
    const table = this.#tableOf(partition);
    if (table.isCompacting) return;
    table.isCompacting = true;
    try {
      const read = await this.#caughtUp(partition, table);
      if (read.ok) await this.#rewrite(partition, table, append);
    } finally {
      table.isCompacting = false;
    }
  }

  async #rewrite(
    partition: Partition,
    table: Table,
    append: (batch: Buffer) => Promise<boolean>,
  ): Promise<void> {
    const to = table.next;
    const live = [...liveEntries(table, (entry) => this.#counts(entry))];
    if (to - partition.logStartOffset <= 2 * live.length + this.#options.recordsMax) return;
    for (let from = 0; from < live.length; from += rewrittenPerBatch) {
      const part = live.slice(from, from + rewrittenPerBatch);
      const records = part.map(({ group, entry }) =>
        recordOf(group, { ...entry.committed, at: entry.at }, entry.timestampMs),
      );
      const batch = encodeRecordBatch({ records });
      if (!this.#isPresent(partition, table) || !(await append(batch))) return;
    }
    if (this.#isPresent(partition, table)) partition.removeBelow(to);
  }

  #counts({ timestampMs }: Entry): boolean {
    return timestampMs >= this.#options.wallMs() - this.#options.retentionMs;
  }

  #caughtUp(partition: Partition, table: Table): Promise<Result<null, BrokerProblem>> {
    table.reading = table.reading.then(() => catchUp(partition, table));
    return table.reading;
  }

  #isPresent(partition: Partition, table: Table): boolean {
    return this.#tables.get(partition) === table && table.leaderEpoch === leaderEpochOf(partition);
  }

  #tableOf(partition: Partition): Table {
    const known = this.#tables.get(partition);
    if (known !== undefined && this.#isPresent(partition, known)) return known;
    const table: Table = {
      leaderEpoch: leaderEpochOf(partition),
      groups: new Map(),
      next: partition.logStartOffset,
      reading: Promise.resolve(ok(null)),
      isCompacting: false,
    };
    this.#tables.set(partition, table);
    return table;
  }
}

function leaderEpochOf({ view }: Partition): number {
  return view?.leaderEpoch ?? -1;
}

/** Those that count; the others are forgotten. */
function* liveEntries(
  { groups }: Table,
  counts: (entry: Entry) => boolean,
): Generator<{ readonly group: string; readonly entry: Entry }, void, undefined> {
  for (const [group, entries] of groups) {
    for (const [key, entry] of entries) {
      if (counts(entry)) yield { group, entry };
      else entries.delete(key);
    }
    if (entries.size === 0) groups.delete(group);
  }
}

function byPlace(left: CommittedOffset, right: CommittedOffset): number {
  if (left.topic === right.topic) return left.partition - right.partition;
  return left.topic < right.topic ? -1 : 1;
}

/** Each look at what is visible looks at the lease, the last one after all has been read. */
async function catchUp(partition: Partition, table: Table): Promise<Result<null, BrokerProblem>> {
  for (;;) {
    const visible = partition.visibleEndOffset;
    if (visible === null) return failed(loading);
    // What it has not read of what is gone was written once more, behind.
    table.next = Math.max(table.next, partition.logStartOffset);
    if (table.next >= visible) return ok(null);
    const read = await readBatches(partition, table.next, visible, readBytes);
    if (!read.ok) return failed(read.error);
    for (const batch of read.value) {
      const decoded = decodeRecordBatch(batch);
      if (!decoded.ok) return failed(decoded.error);
      for (const record of decoded.value.records) apply(table, record);
      table.next = recordBatchEndOffset(decoded.value.header);
    }
  }
}

/** What somebody else has produced to the topic is left out. */
function apply({ groups }: Table, { key: keyBytes, value, offset, timestampMs }: StoredRecord): void {
  const key = parse(keyBytes);
  const stored = parse(value);
  if (!keyValidator.Check(key) || !storedValidator.Check(stored)) return;
  const [group, topic, partition] = key;
  const entries = groups.get(group) ?? new Map<string, Entry>();
  groups.set(group, entries);
  const { at = offset, ...committed } = stored;
  const known = entries.get(`${topic} ${partition}`);
  if (at <= offset && (known === undefined || at >= known.at)) {
    entries.set(`${topic} ${partition}`, { committed, at, timestampMs });
  }
}

function parse(bytes: Uint8Array | null): unknown {
  if (bytes === null) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
