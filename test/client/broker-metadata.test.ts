import { describe, expect, it, onTestFinished } from 'vitest';
import { epoch, offset } from '../../src/base/brands.ts';
import { seededRandom } from '../../src/base/random.ts';
import { BrokerMetadata } from '../../src/client/broker-metadata.ts';
import { OttlaError, UnexpectedAnswerError } from '../../src/client/errors.ts';
import { nodeClock } from '../../src/client/node-clock.ts';
import { makeProblem } from '../../src/client/protocol/problem.ts';
import type { LocalImage } from '../../src/client/watch/local-image.ts';
import type { WatchEvent } from '../../src/client/watch/watch.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import { TestCluster } from '../metadata/cluster.ts';

type Listener = Parameters<LocalImage['subscribe']>[0];

/** A copy that a test moves. */
class DrivenCopy implements LocalImage {
  image: MetadataImage;
  readonly listeners = new Set<Listener>();
  readonly ended: Promise<void>;
  fail: (error: Error) => void = () => undefined;

  constructor(image: MetadataImage) {
    this.image = image;
    this.ended = new Promise((_resolve, reject) => {
      this.fail = reject;
    });
  }

  get offset(): number {
    return this.image.endOffset;
  }

  whenAt(): Promise<MetadataImage> {
    return Promise.resolve(this.image);
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  close(): void {}

  move(image: MetadataImage, kind: 'delta' | 'stateEnd' | 'bookmark'): void {
    this.image = image;
    const place = { offset: image.endOffset };
    const delta = { baseOffset: offset(0), endOffset: image.endOffset, epoch: epoch(1), timestampMs: 1 };
    const event: WatchEvent = kind === 'delta' ? { kind, ...delta, records: [] } : { kind, ...place };
    for (const listener of this.listeners) listener(image, event);
  }
}

function follow(copies: (DrivenCopy | Error)[]) {
  const seen = { taken: [] as number[], retrying: [] as (string | null)[], unreadable: [] as string[] };
  const metadata = new BrokerMetadata({
    brokerId: 2,
    client: {
      localImage: () => {
        const next = copies.shift() ?? new Error('there is no further copy');
        return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
      },
    },
    clock: nodeClock,
    random: seededRandom(1),
    onTaken: (_changes, at) => seen.taken.push(at),
    onRetrying: ({ code }) => seen.retrying.push(code),
    onUnreadable: (message) => seen.unreadable.push(message),
  });
  metadata.start();
  onTestFinished(() => metadata.close());
  return { metadata, seen };
}

function images(): { readonly early: MetadataImage; readonly late: MetadataImage } {
  const cluster = new TestCluster();
  cluster.start(1, 2);
  const early = cluster.image;
  cluster.ok('createTopic', { body: { name: 'orders', assignments: [[1, 2]] } });
  return { early, late: cluster.image };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the metadata of a broker', () => {
  it('takes nothing back when its copy begins again at a node that is behind', async () => {
    const { early, late } = images();
    const [first, second] = [new DrivenCopy(late), new DrivenCopy(early)];
    const { metadata, seen } = follow([first, second]);
    await turn();
    expect(metadata.partitions.map(({ topic }) => topic)).toEqual(['orders']);
    first.fail(new Error('the stream broke off'));
    await expect.poll(() => second.listeners.size).toBe(1);
    expect(metadata.partitions.length).toBe(1);
    expect(metadata.offset).toBe(late.endOffset);
    second.move(early, 'bookmark');
    expect(metadata.offset).toBe(late.endOffset);
    // Once it has caught up all is compared, since nothing of what lies between was looked at.
    second.move(late, 'bookmark');
    expect(seen.taken).toEqual([late.endOffset, late.endOffset]);
    expect(metadata.partitions.length).toBe(1);
  });

  it('tries again when it is refused, whatever the reason', async () => {
    const { late } = images();
    const code = 'SASL_AUTHENTICATION_FAILED';
    const refusal = new OttlaError('watch', makeProblem({ code, message: 'no' }));
    const { metadata, seen } = follow([refusal, refusal, new DrivenCopy(late)]);
    await expect.poll(() => metadata.offset).toBe(late.endOffset);
    expect(seen.retrying).toEqual([code, code]);
  });

  it('says so, and does not try again, when it does not understand the cluster', async () => {
    const { late } = images();
    const copy = new DrivenCopy(late);
    const { seen } = follow([copy]);
    await turn();
    copy.fail(new UnexpectedAnswerError('watch', 'this client does not know the record NewerRecord'));
    await expect.poll(() => seen.unreadable.length).toBe(1);
    expect(seen.unreadable[0]).toContain('NewerRecord');
    expect(seen.retrying).toEqual([]);
  });
});
