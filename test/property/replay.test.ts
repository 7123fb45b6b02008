import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../../src/base/assert.ts';
import { offset } from '../../src/base/brands.ts';
import { createImageBuilder, emptyImage, imageDigest, type MetadataImage } from '../../src/metadata/image.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { partitionChange } from '../../src/metadata/resources/topic/records.ts';
import { incarnationId } from '../metadata/cluster.ts';
import { events } from '../metadata/history.ts';
import { digestAnew, play, replayAll, rootOf } from '../metadata/replaying.ts';
import { check, timeoutMs } from './check.ts';

/** How a log is cut: lengths of its batches, over and over, and whether one looks into them. */
const cuts = fc.array(fc.record({ records: fc.integer({ min: 1, max: 40 }), looks: fc.boolean() }), {
  minLength: 1,
  maxLength: 12,
  size: 'max',
});

type Cut = { readonly records: number; readonly looks: boolean };
type Log = ReturnType<typeof play>['log'];

function replayCut(log: Log, lengths: readonly Cut[]): MetadataImage {
  let image = emptyImage;
  for (let from = 0, round = 0; from < log.length; round++) {
    const { records, looks } = lengths[round % lengths.length] ?? { records: 1, looks: false };
    const builder = createImageBuilder(image);
    const batch = log.slice(from, from + records);
    for (const { record, position } of batch) {
      builder.replay(record, position);
      if (looks) builder.peek();
    }
    from += batch.length;
    const last = batch.at(-1);
    if (last !== undefined) image = builder.freeze(offset(last.position.offset + 1), last.position.epoch);
  }
  return image;
}

/** Records that contradict every log: what they change was never there. */
const nowhere = incarnationId(123_456);
const contradictions: readonly MetadataRecord[] = [
  { type: 'CloseSessionRecord', sessionId: 1_000_000 },
  { type: 'RemoveTopicRecord', topicId: nowhere },
  { type: 'RemovePartitionsRecord', topicId: nowhere, fromPartition: 0 },
  { type: 'UnregisterBrokerRecord', brokerId: 1_000, brokerEpoch: 1 },
  partitionChange({ topicId: nowhere, partitionId: 0, leader: 1 }),
  { type: 'ForgetHeaderAnswersRecord', offsets: [1_000_000] },
];

describe('the same records', () => {
  it('give the same state and the same pages in whatever batches they come, looked into or not', {
    timeout: timeoutMs,
  }, () => {
    check(
      fc.property(events, cuts, (history, lengths) => {
        const { log, image } = play(history);
        const replayed = replayCut(log, lengths);
        expect(imageDigest(replayed)).toBe(imageDigest(image));
        expect(digestAnew(replayed)).toBe(digestAnew(image));
        // Slots are part of the pages: nodes that got the same log in other batches write the same checkpoint.
        expect(rootOf(replayed)).toBe(rootOf(image));
      }),
      100,
    );
  });

  it('leave an image as it was when a builder on it throws, and go on from it', {
    timeout: timeoutMs,
  }, () => {
    check(
      fc.property(
        events,
        fc.nat({ max: 100 }),
        fc.nat({ max: 100 }),
        fc.constantFrom(...contradictions),
        fc.boolean(),
        (history, percent, added, contradiction, looks) => {
          const { log, image } = play(history);
          const half = Math.floor((log.length * percent) / 100);
          const base = half === 0 ? emptyImage : replayAll(log.slice(0, half), 1_000_000);
          const before = [imageDigest(base), digestAnew(base), rootOf(base)];
          const builder = createImageBuilder(base);
          for (const { record, position } of log.slice(half, half + added)) {
            builder.replay(record, position);
            if (looks) builder.peek();
          }
          const { epoch, timestampMs } = image;
          const end = { offset: offset(log.length + 1), epoch, timestampMs };
          expect(() => builder.replay(contradiction, end)).toThrow(InvariantViolation);
          expect([imageDigest(base), digestAnew(base), rootOf(base)]).toEqual(before);
          const again = createImageBuilder(base);
          for (const { record, position } of log.slice(half)) again.replay(record, position);
          const whole = again.freeze(image.endOffset, image.epoch);
          expect([digestAnew(whole), rootOf(whole)]).toEqual([digestAnew(image), rootOf(image)]);
        },
      ),
      100,
    );
  });
});
