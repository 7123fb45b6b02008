import { readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { assert } from '../../src/base/assert.ts';
import type { Result } from '../../src/base/result.ts';
import { imageDigest, type MetadataImage } from '../../src/metadata/image.ts';
import type { CheckpointStore, StoreError } from '../../src/ports/checkpoint-store.ts';
import type { Logger } from '../../src/ports/logger.ts';
import { type Checkpoint, Checkpointer } from '../../src/runtime/checkpoint/checkpointer.ts';
import { loadCheckpoint } from '../../src/runtime/checkpoint/load-checkpoint.ts';
import { PageVersions } from '../../src/runtime/checkpoint/page-versions.ts';
import { runSequence } from '../../src/runtime/sequence.ts';
import { nodeClock } from '../../src/client/node-clock.ts';
import { LevelStores } from '../../src/storage/level-stores.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { canMountDisk, mountDisk, unmountDisk } from '../processes/small-disk.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';

const diskBytes = 4 * 1_048_576;

type Images = readonly [MetadataImage, MetadataImage, MetadataImage];

/** Three states, each much larger than the one before. */
function images(): Images {
  const cluster = new TestCluster();
  cluster.start(1, 2, 3);
  const grown = (round: number): MetadataImage => {
    for (let at = 0; at < 400; at++)
      cluster.ok('createTopic', { body: { name: `topic-${round}-${at}-${'x'.repeat(200)}` } });
    return cluster.image;
  };
  return [grown(1), grown(2), grown(3)];
}

/** A checkpointer over a real database on a disk that can be filled. */
class Bench {
  readonly folder: string;
  readonly created: Checkpoint[] = [];
  readonly failures: string[] = [];
  readonly logged: string[] = [];
  /** Of the last checkpoint. */
  bytesWritten = 0;
  readonly #stores: LevelStores;
  #checkpointer: Checkpointer | null = null;

  constructor(folder: string) {
    this.folder = folder;
    this.#stores = new LevelStores(join(folder, 'checkpoints'));
  }

  async open(): Promise<Checkpointer> {
    const note: Logger['info'] = (event, fields) => {
      this.logged.push(event);
      if (event === 'checkpoint-written') this.bytesWritten = Number(fields?.['bytes']);
    };
    const logger: Logger = { info: note, warn: note, error: note };
    const checkpointer = new Checkpointer({
      store: await openStore(this.#stores),
      clock: nodeClock,
      logger,
      current: null,
      versions: new PageVersions(),
      abandoned: [],
      bytesBetween: 1,
      intervalMs: 3_600_000,
      describe: ({ endOffset, epoch, timestampMs }) => ({
        snapshotId: { endOffset, epoch },
        chainCrc: 5,
        timestampMs,
        kraftVersion: 1,
        voters: [],
      }),
      onCreated: (checkpoint) => this.created.push(checkpoint),
      onFailed: (reason) => this.failures.push(reason),
    });
    this.#checkpointer = checkpointer;
    return checkpointer;
  }

  /** LevelDB removes what a compaction has made superfluous after it has answered. */
  async settle(): Promise<void> {
    const database = join(this.folder, 'checkpoints', 'checkpoint-1');
    const logBytes = (): number =>
      readdirSync(database)
        .filter((name) => name.endsWith('.log'))
        .reduce((sum, name) => sum + statSync(join(database, name)).size, 0);
    await this.until('the log of what was compacted is gone', () => logBytes() < 4_096);
  }

  /** Leaves so many bytes of the disk free, to the page. */
  fill(freeBytes: number): void {
    const { bavail, bsize } = statfsSync(this.folder);
    writeFileSync(join(this.folder, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - freeBytes)));
  }

  makeRoom(): void {
    rmSync(join(this.folder, 'filler'));
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await waitFor(what, () => (condition() ? true : new NotYet(this.logged.join())), {
      pollMs: 5,
      timeoutMs: 30_000,
    });
  }

  /** What a new process finds in force, verified; the digest of its state. */
  async digestAfterRestart(): Promise<string> {
    await this.close();
    const stores = new LevelStores(join(this.folder, 'checkpoints'));
    const store = await openStore(stores);
    const loaded = await new Promise<ReturnType<typeof verified>>((resolve) =>
      runSequence(loadCheckpoint(builtInRegistry, store, nodeClock), (found) => resolve(verified(found))),
    );
    await new Promise<void>((resolve) => stores.close(resolve));
    return loaded;
  }

  async close(): Promise<void> {
    this.#checkpointer?.close();
    this.#checkpointer = null;
    await new Promise<void>((resolve) => this.#stores.close(resolve));
  }
}

function verified(
  loaded: Result<{ readonly image: MetadataImage } | null, { readonly message: string }>,
): string {
  assert(loaded.ok, `the checkpoint verifies: ${loaded.ok ? '' : loaded.error.message}`);
  assert(loaded.value !== null, 'there is a checkpoint');
  return imageDigest(loaded.value.image);
}

async function openStore(stores: LevelStores): Promise<CheckpointStore> {
  const opened = await new Promise<Result<CheckpointStore, StoreError>>((resolve) => stores.open(resolve));
  assert(opened.ok, 'the database opens');
  return opened.value;
}

const stops = ['checkpoint-postponed', 'checkpoint-not-verified'];

/** One disk that leaves so much of a checkpoint's room; gives what was logged. */
async function fillAndEmpty(room: number, [first, second, third]: Images): Promise<readonly string[]> {
  const folder = mountDisk(diskBytes);
  assert(folder !== null, 'a disk could be mounted a moment ago');
  const bench = new Bench(folder);
  onTestFinished(async () => {
    await bench.close();
    unmountDisk(folder);
  });
  const checkpointer = await bench.open();
  checkpointer.applied(first, 10);
  await bench.until('the first is written', () => bench.created.length === 1);
  await bench.settle();
  bench.fill(Math.trunc(room * bench.bytesWritten));
  checkpointer.applied(second, 10);
  const isStopped = (times: number): boolean =>
    bench.logged.filter((event) => stops.includes(event)).length >= times;
  await bench.until('it is postponed', () => isStopped(1));
  checkpointer.applied(third, 10);
  await bench.until('it is postponed again', () => isStopped(2));
  // Nothing is applied any more, so that what follows is done by nobody but the checkpointer itself.
  bench.makeRoom();
  await bench.until('it is written', () => bench.created.at(-1)?.image.endOffset === third.endOffset);
  expect(bench.failures).toEqual([]);
  expect(await bench.digestAfterRestart()).toBe(imageDigest(third));
  return bench.logged;
}

describe('checkpoints on a disk that is full', () => {
  it.runIf(canMountDisk())(
    'are postponed wherever the room ends, and written without a restart when there is room again',
    async () => {
      const made = images();
      // Up to where its pages are written, and then where the database is compacted.
      const rooms = [0, 0.5, 0.9, 1.1, 1.5, 2, 2.4];
      const logged = await Promise.all(rooms.map(async (room) => await fillAndEmpty(room, made)));
      expect(new Set(logged.flat())).toEqual(new Set(['checkpoint-written', ...stops]));
    },
  );
});
