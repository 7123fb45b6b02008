import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageFromPages } from '../../src/codec/image-loader.ts';
import {
  createImageBuilder,
  emptyImage,
  imageDigest,
  type MetadataImage,
  toRecords,
} from '../../src/metadata/image.ts';
import { TestCluster } from './cluster.ts';
import { events, happen } from './history.ts';
import { findEpochViolation, findSettledViolation, findViolation } from './invariants.ts';
import { digestAnew, headerOf, PageStore, play, replayAll, replayOne, rootOf } from './replaying.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';

const runs = { numRuns: 100 };

/** All that two images of one state have alike. */
function contentOf(image: MetadataImage): unknown {
  return [headerOf(image), imageDigest(image), digestAnew(image), rootOf(image), findViolation(image)];
}

describe('for every history of operations', () => {
  it('keeps the invariants of partitions, ISRs, epochs and indexes after every event', () => {
    fc.assert(
      fc.property(events, (history) => {
        const cluster = new TestCluster();
        cluster.start(1, 2, 3);
        for (const event of history) {
          const before = cluster.image;
          happen(cluster, event);
          expect(findViolation(cluster.image)).toBeNull();
          expect(findEpochViolation(before, cluster.image)).toBeNull();
          const isSettled = cluster.pending.length === 0;
          expect(isSettled ? findSettledViolation(cluster.image) : null).toBeNull();
        }
        cluster.isPaused = false;
        cluster.failOver();
        expect(findSettledViolation(cluster.image)).toBeNull();
      }),
      { ...runs, numRuns: 150 },
    );
  });

  it('gives the same digest however the log is cut into batches', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 50 }), (history, batch) => {
        const cluster = play(history);
        expect(imageDigest(replayAll(cluster.log, batch))).toBe(imageDigest(cluster.image));
      }),
      runs,
    );
  });

  it('gives the same state back from its own records', () => {
    fc.assert(
      fc.property(events, (history) => {
        const { image } = play(history);
        expect(imageDigest(replayAll(toRecords(image), 1_000_000))).toBe(imageDigest(image));
      }),
      runs,
    );
  });

  it('loads the same state from checkpoint pages, with the same free slots and indexes', () => {
    fc.assert(
      fc.property(events, events, (history, later) => {
        const cluster = play(history);
        const store = new PageStore();
        const { root } = store.write(cluster.image, null);
        const loaded = imageFromPages(builtInRegistry, store.entries(), headerOf(cluster.image), root);
        if (!loaded.ok) throw new Error(loaded.error.message);
        expect(imageDigest(loaded.value)).toBe(imageDigest(cluster.image));
        expect(findViolation(loaded.value)).toBeNull();
        // Both go on alike, so that pages stay the same on a node that was restarted and one that was not.
        for (const event of later) happen(cluster, event);
        const tail = cluster.log.filter(({ position }) => position.offset >= loaded.value.endOffset);
        const builder = createImageBuilder(loaded.value);
        for (const { record, position } of tail) builder.replay(record, position);
        const followed = builder.freeze(cluster.image.endOffset, cluster.image.epoch);
        expect(new PageStore().write(followed, null).root).toBe(
          new PageStore().write(cluster.image, null).root,
        );
      }),
      { numRuns: 80 },
    );
  });

  it('writes incremental pages that equal the full ones, and only those that changed', () => {
    fc.assert(
      fc.property(fc.array(events, { minLength: 1, maxLength: 4 }), (histories) => {
        const cluster = new TestCluster();
        cluster.start(1, 2, 3);
        const incremental = new PageStore();
        let since: MetadataImage | null = null;
        for (const history of histories) {
          for (const event of history) happen(cluster, event);
          const written = incremental.write(cluster.image, since);
          since = cluster.image;
          const full = new PageStore();
          expect(full.write(cluster.image, null).root).toBe(written.root);
          expect(incremental.entries()).toEqual(full.entries());
          expect(incremental.write(cluster.image, since).changed).toBe(0);
        }
      }),
      { numRuns: 80 },
    );
  });

  it('shows in a look into a batch what an image frozen there holds, and changes nothing before it', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 9 }), fc.nat(99), (history, every, percent) => {
        const { log, image } = play(history);
        const half = Math.floor((log.length * percent) / 100);
        const base = half === 0 ? emptyImage : replayAll(log.slice(0, half), 1_000_000);
        const baseDigest = digestAnew(base);
        const builder = createImageBuilder(base);
        let expected = base;
        for (const [at, { record, position }] of log.slice(half).entries()) {
          builder.replay(record, position);
          expected = replayOne(expected, { record, position });
          if (at % every !== 0) continue;
          const look = builder.peek();
          // A look is good until the next replay; so all of it is compared now.
          expect(contentOf(look)).toEqual(contentOf(expected));
        }
        const last = builder.freeze(image.endOffset, image.epoch);
        expect(digestAnew(last)).toBe(imageDigest(image));
        expect(digestAnew(base)).toBe(baseDigest);
      }),
      { numRuns: 40 },
    );
  });
});
