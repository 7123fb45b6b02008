import type { BatchProducer, ProducedBatch } from '../../../src/replica/producer-state.ts';
import type { HashedChance } from '../../../src/testing/world/chance.ts';

/** One record of the data plane, a batch of its own: who wrote it, what, and under which numbers of its producer. */
export type StoredRecord = {
  readonly epoch: number;
  readonly value: number;
  readonly producer: BatchProducer | null;
};

/** What is left of a record that retention has removed. */
export function removedRecord(epoch: number): StoredRecord {
  return { epoch, value: -1, producer: null };
}

/** What stands at `baseOffset` and behind, as far as it has a producer. */
export function producedIn(records: readonly StoredRecord[], baseOffset: number): readonly ProducedBatch[] {
  return records.flatMap(({ producer }, at) => {
    const offset = baseOffset + at;
    return producer === null ? [] : [{ ...producer, baseOffset: offset, endOffset: offset + 1 }];
  });
}

export type StoredLog = {
  /** Those below `startOffset` are gone; in their places stand their epochs alone. */
  records: readonly StoredRecord[];
  startOffset: number;
  /** How many of them a power failure leaves. */
  flushed: number;
};

/** One broker's disk: a log for each partition, as bytes would be. It outlives the broker's processes. */
export class ModelDisk {
  readonly logs = new Map<string, StoredLog>();
  /** Under which epoch its broker was registered last, as far as it heard of it: by it the broker vouches. */
  brokerEpoch: number | null = null;
  /** The life that was registered last: the next one knows that it has ended. */
  incarnationId: string | null = null;
  /** What stood there before the disk was lost, until its broker has registered with what is left. */
  #lost: ReadonlyMap<string, StoredLog> | null = null;
  /** No flush ends before this moment of the world. */
  stalledUntilUs = 0;
  /** Told before records are cut off by the broker itself. */
  onTruncate: (key: string, log: StoredLog, to: number) => void = () => undefined;
  /** Told before records are removed by retention, and before all of a log is, which is to begin at `to` then. */
  onStart: (key: string, log: StoredLog, to: number, isReset: boolean) => void = () => undefined;
  /** Told before records are appended at `baseOffset`. */
  onAppend: (key: string, log: StoredLog, baseOffset: number, records: readonly StoredRecord[]) => void =
    () => undefined;

  log(key: string): StoredLog {
    const known = this.logs.get(key);
    if (known !== undefined) return known;
    const log: StoredLog = { records: [], startOffset: 0, flushed: 0 };
    this.logs.set(key, log);
    return log;
  }

  append(key: string, baseOffset: number, records: readonly StoredRecord[]): void {
    const log = this.log(key);
    this.onAppend(key, log, baseOffset, records);
    log.records = [...log.records.slice(0, baseOffset), ...records];
  }

  truncate(key: string, to: number): void {
    const log = this.log(key);
    this.onTruncate(key, log, to);
    log.records = log.records.slice(0, to);
    log.flushed = Math.min(log.flushed, to);
  }

  advanceStart(key: string, to: number): void {
    const log = this.log(key);
    this.onStart(key, log, to, false);
    log.records = log.records.map((record, at) => (at < to ? removedRecord(record.epoch) : record));
    log.startOffset = to;
  }

  reset(key: string, to: number, epochBefore: number): void {
    const log = this.log(key);
    this.onTruncate(key, log, 0);
    this.onStart(key, log, to, true);
    log.records = Array.from({ length: to }, () => removedRecord(epochBefore));
    log.startOffset = to;
    log.flushed = to;
  }

  flush(key: string, to: number): void {
    const log = this.log(key);
    log.flushed = Math.max(log.flushed, Math.min(to, log.records.length));
  }

  /** A suffix of what was not flushed is gone. */
  losePower(chance: HashedChance): void {
    for (const log of this.logs.values()) {
      const unflushed = log.records.length - log.flushed;
      if (unflushed > 0) log.records = log.records.slice(0, log.flushed + chance.integer(unflushed + 1));
    }
  }

  /** What stood in a directory can be read no more. */
  take(logs: ReadonlyMap<string, StoredLog>): void {
    this.#lost = new Map([...logs, ...(this.#lost ?? [])]);
    for (const key of logs.keys()) this.logs.delete(key);
  }

  /** The directory can be read again: what was flushed is there. */
  giveBack(logs: ReadonlyMap<string, StoredLog>): void {
    for (const [key, log] of logs) {
      const { records, startOffset, flushed } = log;
      this.logs.set(key, { records: records.slice(0, flushed), startOffset, flushed });
    }
  }

  /** The disk is replaced by an empty one. */
  wipe(): void {
    this.#lost = new Map([...this.logs, ...(this.#lost ?? [])]);
    this.logs.clear();
    this.brokerEpoch = null;
    this.incarnationId = null;
  }

  /** The controllers know by now that what was lost is lost. */
  registered(brokerEpoch: number, incarnationId: string): void {
    this.brokerEpoch = brokerEpoch;
    this.incarnationId = incarnationId;
    this.#lost = null;
  }

  /**
   * Whether it holds a record as a power failure would leave it, until retention has removed it; or held it while
   * nobody could know better.
   */
  holds(key: string, offset: number, value: number): boolean {
    const holdsIn = (log: StoredLog | undefined): boolean =>
      log !== undefined &&
      (offset < log.startOffset || (offset < log.flushed && log.records[offset]?.value === value));
    return holdsIn(this.logs.get(key)) || holdsIn(this.#lost?.get(key));
  }

  /** What a starting broker does first: whatever it finds is on disk before it counts on it. */
  settle(): void {
    for (const log of this.logs.values()) log.flushed = log.records.length;
  }
}
