import { describe, expect, it } from 'vitest';
import { uuid } from '../../src/base/brands.ts';
import { createImageBuilder, emptyImage, type MetadataImage } from '../../src/metadata/image.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { rowsFollowTheirRecords } from '../../simulator/invariants/rows-follow-their-records.ts';
import { MetadataWitness } from '../../simulator/metadata-witness.ts';
import { ClusterObservation } from '../../simulator/observation.ts';
import { World } from '../../simulator/world.ts';
import type { CommittedRecord } from '../../simulator/metadata-witness.ts';

const topicId = uuid('AAAAAAAAAAAAAAAAAAAAAQ');
const common = {
  type: 'ConfigRecord',
  resourceType: 2,
  resourceName: 'orders',
  name: 'cleanup.policy',
} as const;
const set: MetadataRecord = { ...common, value: 'compact' };
const deleted: MetadataRecord = { ...common, value: null };
const created: MetadataRecord = { type: 'TopicRecord', name: 'orders', topicId };
const removed: MetadataRecord = { type: 'RemoveTopicRecord', topicId };

/** A log of records, each applied or forgotten, and the verdict on what stands there after them. */
class Judged {
  readonly #witness = new MetadataWitness();
  #image: MetadataImage = emptyImage;

  constructor() {
    const cluster = new ClusterObservation(new World({ seed: 1 }), () => {
      throw new Error('no disk is looked at');
    });
    rowsFollowTheirRecords(cluster, this.#witness);
  }

  /** Null where the state is as the records say; otherwise what is not. */
  take(record: MetadataRecord, isApplied = true): string | null {
    const before = this.#image;
    const offset = before.endOffset;
    const position = { offset, epoch: before.epoch, timestampMs: 1 };
    const builder = createImageBuilder(before);
    if (isApplied) builder.replay(record, position);
    this.#image = builder.freeze((offset + 1) as CommittedRecord['offset'], before.epoch);
    try {
      for (const watcher of this.#witness.watchers) {
        watcher.onRecord?.({ record, ...position, before, after: this.#image });
      }
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

describe('rows are what their records last said', () => {
  it('where a config is set and deleted, and its topic goes', () => {
    const judged = new Judged();
    expect([created, set, deleted, removed].map((record) => judged.take(record))).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('and not where a deleted config keeps its value', () => {
    const judged = new Judged();
    expect(judged.take(set)).toBeNull();
    expect(judged.take(deleted, false)).toMatch('cleanup.policy');
  });

  it('and not where a topic leaves its configs to the next one of its name', () => {
    const judged = new Judged();
    for (const record of [created, set]) expect(judged.take(record)).toBeNull();
    expect(judged.take(removed)).toMatch('topic orders is gone, and leaves');
  });
});
