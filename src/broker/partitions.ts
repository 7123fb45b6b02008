import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, ok, type Result } from '../base/result.ts';
import type { FileError, Files } from '../ports/files.ts';
import type { Logger } from '../ports/logger.ts';
import { type HeldPartition, isPartitionKey, isSameHolding, partitionKey } from './broker-core.ts';
import { type OpenedPartitionLog, openPartitionLog } from './log/open-partition-log.ts';
import { Partition, type PartitionPorts } from './partition.ts';

export type PartitionsOptions = {
  readonly files: Files;
  /** Where each partition has a folder; it is there. */
  readonly directory: string;
  readonly logger: Logger;
  readonly ports: PartitionPorts;
  /** A disk has failed: nothing is acknowledged any more, and the process must stop. */
  readonly onFailed: (error: FileError) => void;
  /** Everything that the metadata want is there. */
  readonly onSettled: () => void;
};

/** Its segments are as large as the topic says, once that is known. */
type FoundLog = {
  readonly opened: OpenedPartitionLog;
  readonly options: { segmentBytes: number; segmentMs: number | null };
};

const segmentBytesMax = 2 ** 30;
/** What is being removed is called so first: after a crash it is removed on, and never taken for a partition's log. */
const removedSuffix = '.removed';

/**
 * The partitions that are here, which follow what the metadata want: opened, told, and removed, one thing at a time
 * for each.
 */
export class Partitions {
  readonly #options: PartitionsOptions;
  readonly #open = new Map<string, Partition>();
  readonly #working = new Map<string, Promise<void>>();
  /** What was found on the disk, and is not assigned to this broker as far as it has read. */
  readonly #found = new Map<string, FoundLog>();
  readonly #damaged = new Map<string, OpenedPartitionLog['log']>();
  #wanted: ReadonlyMap<string, HeldPartition> = new Map();
  #mayRemove = false;
  #isOver = false;
  #recovering: Promise<unknown> = Promise.resolve();

  constructor(options: PartitionsOptions) {
    this.#options = options;
  }

  get all(): readonly Partition[] {
    return [...this.#open.values()];
  }

  find(topicId: string, partition: number): Partition | null {
    return this.#open.get(partitionKey(topicId, partition)) ?? null;
  }

  /**
   * Opens every log that an earlier process has left. Gives whether all of them are sound, so that this broker holds
   * whatever that process acknowledged (protocols 3).
   */
  recover(): Promise<Result<{ readonly isClean: boolean }, FileError>> {
    const recovered = this.#recover();
    this.#recovering = recovered;
    return recovered;
  }

  async #recover(): Promise<Result<{ readonly isClean: boolean }, FileError>> {
    const { directory, files } = this.#options;
    const listed = await new Promise<Result<readonly string[], FileError>>((resolve) =>
      files.submit({ kind: 'list', path: directory }, resolve),
    );
    if (!listed.ok) return listed;
    for (const name of listed.value) {
      if (this.#isOver) break;
      if (isPartitionKey(name)) {
        const found = await this.#openLog(name);
        if (!found.ok) return found;
        this.#found.set(name, found.value);
      }
      if (!name.endsWith(removedSuffix)) continue;
      const removed = await attempted(directory, rm(join(directory, name), { recursive: true }));
      if (!removed.ok) return removed;
    }
    const isClean = [...this.#found.values()].every(({ opened }) => opened.recovery.isClean);
    return { ok: true, value: { isClean } };
  }

  /** The controllers know that what was damaged may have lost something: the next start need not say so again. */
  forgetDamage(): void {
    if (this.#isOver) return;
    for (const log of this.#damaged.values()) log.forgetDamage(() => undefined);
    this.#damaged.clear();
  }

  /**
   * `mayRemove`: the metadata are at least as new as this broker's registration, so that what they do not name is
   * gone, and not unknown to a controller that lags.
   */
  take(held: readonly HeldPartition[], mayRemove: boolean): void {
    this.#wanted = new Map(held.map((each) => [each.key, each]));
    this.#mayRemove ||= mayRemove;
    const keys = new Set([...this.#wanted.keys(), ...this.#open.keys(), ...this.#found.keys()]);
    for (const key of keys) this.#settle(key);
    this.#tellSettled();
  }

  applyRetention(nowMs: number): void {
    for (const partition of this.#open.values()) partition.applyRetention(nowMs);
  }

  lookAtLease(): void {
    for (const partition of this.#open.values()) partition.lookAtLease();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#recovering;
    await Promise.all(this.#working.values());
    await Promise.all(this.all.map((partition) => partition.close()));
    for (const { opened } of this.#found.values()) await closed(opened.log);
  }

  #settle(key: string): void {
    if (this.#isOver || this.#working.has(key)) return;
    const held = this.#wanted.get(key);
    const partition = this.#open.get(key);
    if (held !== undefined && partition !== undefined) {
      if (!isSameHolding(partition.held, held)) partition.changed(held);
    } else if (held !== undefined) this.#work(key, this.#openPartition(held));
    else if (this.#mayRemove) this.#work(key, this.#remove(key, partition));
  }

  #work(key: string, work: Promise<void>): void {
    const whole = work.then(() => {
      this.#working.delete(key);
      // The metadata may have changed meanwhile.
      if (this.#open.has(key) || this.#wanted.has(key)) this.#settle(key);
      this.#tellSettled();
    });
    this.#working.set(key, whole);
  }

  #tellSettled(): void {
    for (const key of this.#wanted.keys()) if (!this.#open.has(key)) return;
    this.#options.onSettled();
  }

  async #openPartition(held: HeldPartition): Promise<void> {
    const known = this.#found.get(held.key);
    const opened = known === undefined ? await this.#openLog(held.key) : ok(known);
    if (!opened.ok) {
      this.#fail(opened.error);
      return;
    }
    this.#found.delete(held.key);
    opened.value.options.segmentBytes = Math.min(held.settings.segmentBytes, segmentBytesMax);
    opened.value.options.segmentMs = held.settings.segmentMs;
    this.#open.set(held.key, new Partition(held, opened.value.opened, this.#options.ports));
  }

  async #openLog(key: string): Promise<Result<FoundLog, FileError>> {
    const { directory, files, onFailed, logger } = this.#options;
    const limits = { segmentBytes: segmentBytesMax, segmentMs: null };
    const options = { files, directory: join(directory, key), ...limits, flushes: true, onFailed };
    const opened = await new Promise<Result<OpenedPartitionLog, FileError>>((resolve) =>
      openPartitionLog(options, resolve),
    );
    if (!opened.ok) return opened;
    const { isClean, damage } = opened.value.recovery;
    if (damage !== null || !isClean) logger.warn('log-was-damaged', { partition: key, isClean, damage });
    if (!isClean) this.#damaged.set(key, opened.value.log);
    return ok({ opened: opened.value, options });
  }

  async #remove(key: string, partition: Partition | undefined): Promise<void> {
    const { directory, files, logger } = this.#options;
    this.#open.delete(key);
    this.#damaged.delete(key);
    await partition?.close();
    const found = this.#found.get(key);
    if (found !== undefined) await closed(found.opened.log);
    const removed = join(directory, `${key}${removedSuffix}`);
    const renamed = await attempted(directory, rename(join(directory, key), removed));
    const synced = renamed.ok
      ? await new Promise<Result<null, FileError>>((resolve) =>
          files.submit({ kind: 'syncDirectory', path: directory }, resolve),
        )
      : renamed;
    const gone = synced.ok ? await attempted(directory, rm(removed, { recursive: true })) : synced;
    this.#found.delete(key);
    if (gone.ok) logger.info('partition-removed', { partition: key });
    else this.#fail(gone.error);
  }

  #fail(error: FileError): void {
    this.#isOver = true;
    this.#options.onFailed(error);
  }
}

function closed(log: OpenedPartitionLog['log']): Promise<void> {
  return new Promise((resolve) => log.close(resolve));
}

async function attempted(path: string, work: Promise<unknown>): Promise<Result<null, FileError>> {
  try {
    await work;
    return { ok: true, value: null };
  } catch (error) {
    return failed({ code: 'IO', path, message: error instanceof Error ? error.message : String(error) });
  }
}
