import { describe, expect, it } from 'vitest';
import { imageDigest, type MetadataImage } from '../../src/metadata/image.ts';
import type { CheckpointStore, StoreEntry, StoreOperation } from '../../src/ports/checkpoint-store.ts';
import { failed } from '../../src/base/result.ts';
import { wrapPayload } from '../../src/codec/envelope.ts';
import {
  manifestKey,
  pageKeysFrom,
  pageKeysTo,
  versionedPageKey,
} from '../../src/runtime/checkpoint/page-keys.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { CheckpointHost } from './support/checkpoints.ts';

/** States one after another: rows come, change and go, so that pages are made anew, replaced and dropped. */
function history(): readonly MetadataImage[] {
  const cluster = new TestCluster();
  const images: MetadataImage[] = [];
  cluster.start(1, 2, 3);
  for (let at = 0; at < 70; at++) cluster.ok('createTopic', { body: { name: `first-${at}` } });
  images.push(cluster.image);
  for (let at = 0; at < 70; at++)
    cluster.ok('createTopic', { body: { name: `second-${at}`, partitions: 3 } });
  images.push(cluster.image);
  for (let at = 0; at < 70; at++) cluster.ok('deleteTopic', { params: { topic: `second-${at}` } });
  cluster.ok('openSession', { body: {} });
  images.push(cluster.image);
  return images;
}

const images = history();

function imageAt(index: number): MetadataImage {
  const image = images[index];
  if (image === undefined) throw new Error('no such image');
  return image;
}

/** Ends the process as its n-th operation is handed in, or has completed. */
function tapUntil(operations: number, when: 'submitted' | 'completed', end: () => void) {
  let count = 0;
  return (store: CheckpointStore): CheckpointStore => ({
    submit: (operation, complete) => {
      const isLast = ++count === operations;
      if (count > operations) return;
      if (!isLast) {
        store.submit(operation, complete);
        return;
      }
      if (when === 'submitted') end();
      else store.submit(operation, end);
    },
  });
}

function scan(host: CheckpointHost): readonly StoreEntry[] {
  const store = host.open();
  const found = host.host.await<{ ok: boolean; value?: readonly StoreEntry[] }>((done) =>
    store.submit({ kind: 'scan', from: pageKeysFrom, to: pageKeysTo, limit: 100_000 }, done),
  );
  return found.value ?? [];
}

describe('a checkpoint', () => {
  it('is loaded as it was written, verified', () => {
    const host = new CheckpointHost();
    expect(host.loaded()).toBeNull();
    for (const image of images) {
      host.write(image);
      host.restart(true);
      const loaded = host.loaded();
      expect(loaded?.image.endOffset).toBe(image.endOffset);
      expect(imageDigest(loaded?.image ?? imageAt(0))).toBe(imageDigest(image));
    }
  });

  it('leaves nothing of those before it behind', () => {
    const host = new CheckpointHost();
    for (const image of images) host.write(image);
    const fresh = new CheckpointHost();
    fresh.write(imageAt(2));
    expect(scan(host).length).toBe(scan(fresh).length);
    expect(host.loaded()?.leftOver).toEqual([]);
  });

  it.each(['submitted', 'completed'] as const)(
    'is the old one or the new one, whole, after a crash at whichever operation (%s)',
    (when) => {
      for (const power of [false, true]) {
        const outcomes = new Set<number>();
        for (let operations = 1; ; operations++) {
          const host = new CheckpointHost(operations);
          host.write(imageAt(0));
          let hasEnded = false;
          const tap = tapUntil(operations, when, () => {
            hasEnded = true;
          });
          const checkpointer = host.checkpointer({ tap });
          checkpointer.write(imageAt(1));
          for (let waited = 0; waited < 400 && !hasEnded; waited++) host.host.run(1);
          if (!hasEnded) break;
          host.restart(power);
          const loaded = host.loaded();
          const end = loaded?.image.endOffset ?? 0;
          outcomes.add(end);
          const expected = images.find((image) => image.endOffset === end);
          expect(imageDigest(loaded?.image ?? imageAt(2))).toBe(imageDigest(expected ?? imageAt(2)));
          // What the crash left behind belongs to nothing that comes after it.
          host.write(imageAt(2));
          host.restart(true);
          expect(imageDigest(host.loaded()?.image ?? imageAt(0))).toBe(imageDigest(imageAt(2)));
        }
        expect(outcomes).toEqual(new Set([imageAt(0).endOffset, imageAt(1).endOffset]));
      }
    },
  );

  it('is the old one after a write that failed for want of space, and the next one is whole', () => {
    for (let failAt = 1; failAt < 6; failAt++) {
      const host = new CheckpointHost(failAt);
      host.write(imageAt(0));
      let count = 0;
      let isFull = true;
      const tap = (store: CheckpointStore): CheckpointStore => ({
        submit: (operation, complete) => {
          if (operation.kind === 'write' && ++count === failAt && isFull) {
            host.host.schedule(10, () => complete(failed({ code: 'NO_SPACE', message: 'full' })));
          } else {
            store.submit(operation, complete);
          }
        },
      });
      const checkpointer = host.checkpointer({ tap });
      checkpointer.write(imageAt(1));
      host.host.run(500);
      expect(host.failures).toEqual([]);
      isFull = false;
      checkpointer.write(imageAt(2));
      host.host.run(500);
      expect(checkpointer.current?.manifest.snapshotId.endOffset).toBe(imageAt(2).endOffset);
      host.restart(true);
      expect(imageDigest(host.loaded()?.image ?? imageAt(0))).toBe(imageDigest(imageAt(2)));
    }
  });

  it('is one or the other, whole, when one was published by a write that was reported as failed', () => {
    for (let operations = 1; ; operations++) {
      const host = new CheckpointHost(operations);
      host.write(imageAt(0));
      let lies = true;
      let hasEnded = false;
      const end = tapUntil(operations, 'completed', () => {
        hasEnded = true;
      });
      const tap = (store: CheckpointStore): CheckpointStore => {
        const ending = end(store);
        return {
          submit: (operation, complete) => {
            if (!lies) {
              ending.submit(operation, complete);
              return;
            }
            store.submit(operation, (result) => {
              if (!publishes(operation)) complete(result);
              else complete(failed({ code: 'NO_SPACE', message: 'full' }));
            });
          },
        };
      };
      const checkpointer = host.checkpointer({ tap });
      checkpointer.write(imageAt(1));
      host.host.run(500);
      lies = false;
      checkpointer.write(imageAt(2));
      for (let waited = 0; waited < 400 && !hasEnded; waited++) host.host.run(1);
      host.restart(true);
      const found = host.loaded();
      const expected = images.find((image) => image.endOffset === found?.image.endOffset);
      expect(imageDigest(found?.image ?? imageAt(2))).toBe(imageDigest(expected ?? imageAt(0)));
      if (hasEnded) continue;
      expect(found?.image.endOffset).toBe(imageAt(2).endOffset);
      break;
    }
  });

  it('lets no log be cleaned behind it when it does not read back as it was written', () => {
    const host = new CheckpointHost();
    const tap = (store: CheckpointStore): CheckpointStore => ({
      submit: (operation, complete) => {
        const read: StoreOperation = operation;
        if (read.kind !== 'get') {
          store.submit(operation, complete);
          return;
        }
        const nothing = read.keys.map(() => null);
        host.host.schedule(10, () => (complete as (result: unknown) => void)({ ok: true, value: nothing }));
      },
    });
    host.checkpointer({ tap }).write(imageAt(0));
    host.host.run(500);
    expect(host.created).toEqual([]);
    expect(host.failures[0]).toContain('does not read back');
  });

  it('is found damaged when any stored page has changed, is missing, or is one too many', () => {
    const host = new CheckpointHost();
    host.write(imageAt(0));
    const entries = scan(host);
    expect(entries.length).toBeGreaterThan(3);
    for (const { key, value } of entries) {
      const changed = value.slice();
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      for (const damage of [
        { puts: [{ key, value: changed }], deletes: [] },
        { puts: [], deletes: [key] },
      ]) {
        const store = host.open();
        host.host.await((done) => store.submit({ kind: 'write', sync: true, ...damage }, done));
        expect(host.load()).toMatchObject({ ok: false, error: { code: 'DAMAGED' } });
        const repair = { puts: [{ key, value }], deletes: [] };
        host.host.await((done) => store.submit({ kind: 'write', sync: true, ...repair }, done));
      }
    }
    expect(host.loaded()?.image.endOffset).toBe(imageAt(0).endOffset);
  });

  it('is found damaged when the store holds a page under a key of another length', () => {
    const host = new CheckpointHost();
    host.write(imageAt(0));
    const [entry] = scan(host);
    if (entry === undefined) throw new Error('nothing is stored');
    const { endOffset } = imageAt(0);
    for (const length of [0, 4, 6, 40]) {
      const key = versionedPageKey(new Uint8Array(length), endOffset);
      const store = host.open();
      const stray = { puts: [{ key, value: entry.value }], deletes: [] };
      host.host.await((done) => store.submit({ kind: 'write', sync: true, ...stray }, done));
      expect(host.load()).toMatchObject({ ok: false, error: { code: 'DAMAGED' } });
      const repair = { puts: [], deletes: [key] };
      host.host.await((done) => store.submit({ kind: 'write', sync: true, ...repair }, done));
    }
    expect(host.loaded()).not.toBeNull();
  });

  it('of a newer format is refused by name, and not taken for damage', () => {
    const host = new CheckpointHost();
    host.write(imageAt(0));
    const magic = 0x4f54434d;
    const codes = [1, 2].map((version) => {
      const value = wrapPayload({ what: 'checkpoint manifest', magic, version }, Uint8Array.of(1));
      const store = host.open();
      const puts = [{ key: manifestKey, value }];
      host.host.await((done) => store.submit({ kind: 'write', puts, deletes: [], sync: true }, done));
      const loaded = host.load();
      return loaded.ok ? 'loaded' : loaded.error.code;
    });
    expect(codes).toEqual(['DAMAGED', 'UNSUPPORTED_VERSION']);
  });
});

function publishes(operation: StoreOperation): boolean {
  return operation.kind === 'write' && operation.puts.some(({ key }) => key.length === manifestKey.length);
}

describe('the checkpointer', () => {
  it('writes after so many bytes of log', () => {
    const host = new CheckpointHost();
    const checkpointer = host.checkpointer({ bytesBetween: 100 });
    checkpointer.applied(imageAt(0), 99);
    host.host.run(100);
    expect(host.created).toEqual([]);
    checkpointer.applied(imageAt(1), 1);
    host.host.run(100);
    expect(host.created.map(({ image }) => image.endOffset)).toEqual([imageAt(1).endOffset]);
  });

  it('writes after its interval though the log has fallen silent, and not again without news', () => {
    const host = new CheckpointHost();
    const checkpointer = host.checkpointer({ bytesBetween: 1_000_000, intervalMs: 5_000 });
    checkpointer.applied(imageAt(0), 10);
    host.host.run(4_000);
    expect(host.created).toEqual([]);
    host.host.run(2_000);
    expect(host.created).toHaveLength(1);
    host.host.run(60_000);
    expect(host.created).toHaveLength(1);
  });

  it('tries again what a full disk has postponed, until there is room', () => {
    const host = new CheckpointHost();
    let isFull = true;
    let refused = 0;
    const tap = (store: CheckpointStore): CheckpointStore => ({
      submit: (operation, complete) => {
        if (operation.kind !== 'write' || !isFull) {
          store.submit(operation, complete);
          return;
        }
        refused++;
        host.host.schedule(10, () => complete(failed({ code: 'NO_SPACE', message: 'full' })));
      },
    });
    const checkpointer = host.checkpointer({ tap, bytesBetween: 100 });
    checkpointer.applied(imageAt(0), 100);
    host.host.run(60_000);
    expect(refused).toBeGreaterThan(5);
    expect(host.failures).toEqual([]);
    // What was applied meanwhile is in the one that is written at last; nothing new is applied after that.
    checkpointer.applied(imageAt(1), 1);
    isFull = false;
    host.host.run(60_000);
    expect(host.created.map(({ image }) => image.endOffset)).toEqual([imageAt(1).endOffset]);
    host.restart(true);
    expect(imageDigest(host.loaded()?.image ?? imageAt(0))).toBe(imageDigest(imageAt(1)));
  });

  it('writes one at a time', () => {
    const host = new CheckpointHost();
    const checkpointer = host.checkpointer({ bytesBetween: 100 });
    checkpointer.applied(imageAt(0), 100);
    checkpointer.applied(imageAt(1), 99);
    checkpointer.write(imageAt(2));
    expect(checkpointer.isWriting).toBe(true);
    host.host.run(200);
    expect(host.created.map(({ image }) => image.endOffset)).toEqual([imageAt(0).endOffset]);
  });

  it('writes what fell due while it was paused, though the log has fallen silent', () => {
    const host = new CheckpointHost();
    const checkpointer = host.checkpointer({ bytesBetween: 1_000_000, intervalMs: 5_000 });
    checkpointer.applied(imageAt(0), 10);
    checkpointer.pause(() => undefined);
    host.host.run(10_000);
    expect(host.created).toEqual([]);
    checkpointer.resume();
    host.host.run(1_000);
    expect(host.created.map(({ image }) => image.endOffset)).toEqual([imageAt(0).endOffset]);
  });

  it('waits for its time after a pause in which nothing fell due', () => {
    const host = new CheckpointHost();
    const checkpointer = host.checkpointer({ bytesBetween: 1_000_000, intervalMs: 5_000 });
    checkpointer.pause(() => undefined);
    checkpointer.resume();
    checkpointer.applied(imageAt(0), 10);
    checkpointer.pause(() => undefined);
    host.host.run(1_000);
    checkpointer.resume();
    host.host.run(3_000);
    expect(host.created).toEqual([]);
    host.host.run(2_000);
    expect(host.created).toHaveLength(1);
  });

  it('writes what fell due while it wrote, though the log has fallen silent', () => {
    const host = new CheckpointHost();
    const checkpointer = host.checkpointer({ bytesBetween: 100 });
    checkpointer.applied(imageAt(0), 100);
    checkpointer.applied(imageAt(1), 99);
    checkpointer.applied(imageAt(2), 1);
    expect(checkpointer.isWriting).toBe(true);
    host.host.run(500);
    expect(host.created.map(({ image }) => image.endOffset)).toEqual([
      imageAt(0).endOffset,
      imageAt(2).endOffset,
    ]);
  });

  it('is idle before it says so, and writes nothing until it may go on', () => {
    const host = new CheckpointHost();
    const checkpointer = host.checkpointer();
    checkpointer.write(imageAt(0));
    const idle: boolean[] = [];
    checkpointer.pause(() => idle.push(checkpointer.isWriting));
    expect(idle).toEqual([]);
    host.host.run(200);
    expect(idle).toEqual([false]);
    expect(host.created).toHaveLength(1);
    checkpointer.write(imageAt(1));
    host.host.run(200);
    expect(host.created).toHaveLength(1);
    checkpointer.resume();
    checkpointer.write(imageAt(1));
    host.host.run(200);
    expect(host.created).toHaveLength(2);
  });
});
