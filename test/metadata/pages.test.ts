import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageDigest } from '../../src/metadata/image.ts';
import { createImageLoader, imageFromPages, verifyPage } from '../../src/codec/image-loader.ts';
import { checkpointPages, pageDigest, pageKey, type PageEntry } from '../../src/codec/image-pages.ts';
import { TestCluster } from './cluster.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';

const cluster = new TestCluster();
cluster.start(1, 2, 3);
cluster.ok('createTopic', { body: { name: 'a', partitions: 300, replicationFactor: 2 } });
cluster.ok('openSession', {});
const { image } = cluster;
const header = { endOffset: image.endOffset, epoch: image.epoch, timestampMs: image.timestampMs };
const pages = checkpointPages(image, null);
const entries: PageEntry[] = [...pages].map(({ key, value }) => ({ key, value: value ?? new Uint8Array(0) }));
const { root, pageCount } = pages.summary();

function fault(changed: readonly PageEntry[], expectedRoot = root): string {
  const loaded = imageFromPages(builtInRegistry, changed, header, expectedRoot);
  return loaded.ok ? 'loaded' : loaded.error.message;
}

describe('loading a checkpoint', () => {
  it('gives the image back, header and all', () => {
    const loaded = imageFromPages(builtInRegistry, entries, header, root);
    expect(loaded.ok && imageDigest(loaded.value)).toBe(imageDigest(image));
    expect(loaded.ok && loaded.value.endOffset).toBe(image.endOffset);
    expect(pageCount).toBe(entries.length);
  });

  it('does not encode the loaded pages again for the next checkpoint', () => {
    const loaded = imageFromPages(builtInRegistry, entries, header, root);
    if (!loaded.ok) throw new Error(loaded.error.message);
    const next = checkpointPages(loaded.value, loaded.value);
    expect([...next]).toEqual([]);
    expect(next.summary().root).toBe(root);
  });

  it('finds every changed byte, in keys and in values', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (page, place, flip) => {
        const at = page % entries.length;
        const changed = entries.map(({ key, value }) => ({ key: key.slice(), value: value.slice() }));
        const entry = changed[at];
        if (entry === undefined) return;
        const whole = place % (entry.key.length + entry.value.length);
        const [bytes, index] =
          whole < entry.key.length ? [entry.key, whole] : [entry.value, whole - entry.key.length];
        bytes[index] = (bytes[index] ?? 0) ^ flip;
        expect(verifyPage(builtInRegistry, entry)).toBe(false);
        expect(fault(changed)).not.toBe('loaded');
      }),
      { numRuns: 500 },
    );
  });

  it('finds a page that is missing, repeated, out of order, cut, or of an earlier checkpoint', () => {
    expect(fault(entries.slice(1))).toMatch(/the root/);
    expect(fault(entries.slice(0, -1))).toMatch(/the root/);
    expect(fault([...entries, ...entries.slice(-1)])).toMatch(/out of order/);
    expect(fault([...entries].reverse())).toMatch(/out of order/);
    expect(fault(entries.map(({ key, value }) => ({ key, value: value.subarray(0, 7) })))).toMatch(/digest/);
    expect(fault(entries, '0000000000000000')).toMatch(/not 0000000000000000/);
    expect(fault([])).toMatch(/the root/);
    cluster.ok('createTopic', { body: { name: 'b' } });
    const later = [...checkpointPages(cluster.image, null)];
    const stale = later.map(({ key, value }, at) => ({
      key,
      value: entries[at]?.value ?? value ?? new Uint8Array(),
    }));
    const laterPages = checkpointPages(cluster.image, null);
    for (const _ of laterPages);
    expect(fault(stale, laterPages.summary().root)).not.toBe('loaded');
  });

  it('refuses content that no encoder writes, even under a right digest', () => {
    const forged = (tableId: number, content: Uint8Array): string => {
      const key = pageKey(tableId, 0);
      const digest = pageDigest(key, content);
      const value = new Uint8Array(8 + content.length);
      const view = new DataView(value.buffer);
      view.setUint32(0, digest.high);
      view.setUint32(4, digest.low);
      value.set(content, 8);
      const added = createImageLoader(builtInRegistry).add({ key, value });
      return added.ok ? 'loaded' : added.error.message;
    };
    expect(forged(1, Uint8Array.of())).toMatch(/cut short/);
    expect(forged(1, Uint8Array.of(0x90))).toMatch(/holds no row/);
    expect(forged(1, Uint8Array.of(0xc0))).toMatch(/is an array/);
    expect(forged(1, Uint8Array.of(0x91, 0xc0))).toMatch(/a row of feature is an array/);
    expect(forged(1, Uint8Array.of(0x91, 0x91, 0x40))).toMatch(/out of place/);
    expect(forged(1, Uint8Array.of(0x91, 0x91, 0x00))).toMatch(/feature.name is missing/);
    expect(forged(5, Uint8Array.of(1, 2))).toMatch(/cut/);
    expect(forged(5, Uint8Array.of())).toMatch(/no page of it/);
    expect(forged(5, new Uint8Array(4))).toMatch(/no page of it/);
    // A partition of a topic that is not there.
    expect(forged(5, new Uint8Array(4 * 10))).toMatch(/no page of it/);
    expect(forged(99, Uint8Array.of())).toMatch(/a table 99/);
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, 4, 5, 6), fc.uint8Array({ maxLength: 60 }), (tableId, content) => {
        expect(typeof forged(tableId, content)).toBe('string');
      }),
      { numRuns: 500 },
    );
  });

  it('knows its root only after every page was taken', () => {
    const unfinished = checkpointPages(image, null);
    expect(() => unfinished.summary()).toThrow(/every page/);
  });
});
