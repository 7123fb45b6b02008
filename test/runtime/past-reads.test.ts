import { describe, expect, it } from 'vitest';
import { type Offset, offset } from '../../src/base/brands.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import { unreadableLog } from '../../src/runtime/requests/past-read.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { RouterHost } from './support/router.ts';

/** A cluster with the topics a and b, and its image while there was only a. */
function clusterOf(): { readonly cluster: TestCluster; readonly earlier: MetadataImage } {
  const cluster = new TestCluster();
  cluster.start(1);
  create(cluster, 'a');
  const earlier = cluster.image;
  create(cluster, 'b');
  return { cluster, earlier };
}

function create(cluster: TestCluster, name: string): void {
  cluster.ok('createTopic', { body: { name, partitions: 1, replicationFactor: 1 } });
}

type Topics = { readonly topics: readonly { readonly name: string }[] };

/** What a listing of topics at an offset is answered. */
function listAt(host: RouterHost, atOffset: Offset, changes: object = {}, isForwarded = false) {
  host.answers.length = 0;
  host.route('listTopics', { atOffset, ...changes }, isForwarded);
  host.run(1);
  const [answer] = host.answers;
  const names =
    answer?.result.ok === true ? (answer.result.response as Topics).topics.map(({ name }) => name) : [];
  return { answer, names };
}

function hostWith(image: MetadataImage, earlier: MetadataImage, leads = false): RouterHost {
  const host = new RouterHost({ leads });
  host.image = image;
  host.past.set(earlier.endOffset, { kind: 'there', image: earlier });
  return host;
}

describe('a read of the past', () => {
  it('is answered by a follower that holds it, without the leader and without a majority', () => {
    const { cluster, earlier } = clusterOf();
    const host = hostWith(cluster.image, earlier);
    host.leaderId = null;
    const { answer, names } = listAt(host, earlier.endOffset);
    expect([names, answer?.offset]).toEqual([['a'], earlier.endOffset]);
    expect([host.forwards, host.barriers]).toEqual([[], []]);
  });

  it('waits until this node has come so far', () => {
    const { cluster, earlier } = clusterOf();
    const host = hostWith(earlier, earlier);
    const at = cluster.image.endOffset;
    expect(listAt(host, at).answer).toBeUndefined();
    host.image = cluster.image;
    host.router.applied(at);
    host.run(1);
    expect(host.codes()).toEqual(['ok']);
    expect(host.answers[0]?.offset).toBe(at);
  });

  it('ends with its time when that offset does not come', () => {
    const { earlier } = clusterOf();
    const host = hostWith(earlier, earlier);
    host.route('listTopics', { atOffset: offset(earlier.endOffset + 9) });
    host.run(2_000);
    expect(host.codes()).toEqual(['REQUEST_TIMED_OUT']);
    expect(host.answers[0]?.result).toMatchObject({
      message: expect.stringMatching(/^This node stands at \d+ and has not reached at_offset \d+\.$/),
    });
  });

  it('is passed on to the leader where this node does not hold it, once, and says there what is held', () => {
    const { cluster, earlier } = clusterOf();
    const host = new RouterHost();
    host.image = cluster.image;
    listAt(host, earlier.endOffset);
    expect(host.forwards).toHaveLength(1);
    const { answer } = listAt(host, earlier.endOffset, {}, true);
    expect(host.forwards).toHaveLength(1);
    const { endOffset } = cluster.image;
    expect(answer?.result).toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      details: { oldestOffset: endOffset, newestOffset: endOffset },
    });
  });

  it('within a batch is refused with the offsets on both sides', () => {
    const { cluster, earlier } = clusterOf();
    const host = hostWith(cluster.image, earlier);
    const [baseOffset, endOffset] = [offset(2), offset(4)];
    host.past.set(3, { kind: 'within', baseOffset, endOffset });
    expect(listAt(host, offset(3)).answer?.result).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { batchBaseOffset: 2, batchEndOffset: 4 },
    });
  });

  it('goes on page by page at its offset, and nowhere else', () => {
    const { cluster, earlier } = clusterOf();
    create(cluster, 'c');
    const host = hostWith(cluster.image, earlier);
    const at = cluster.image.endOffset;
    const page = (query: object) => ({ input: { params: {}, query, body: {} } });
    const first = listAt(host, at, page({ limit: 2 }));
    expect(first.names).toEqual(['a', 'b']);
    const { continue: next } = Object(
      first.answer?.result.ok === true ? first.answer.result.response : {},
    ) as { readonly continue: string };
    create(cluster, 'd');
    host.image = cluster.image;
    expect(listAt(host, at, page({ continue: next })).names).toEqual(['c']);
    expect(listAt(host, earlier.endOffset, page({ continue: next })).answer?.result).toMatchObject({
      code: 'INVALID_REQUEST',
    });
  });

  it('cannot be older than what its caller demands', () => {
    const { cluster, earlier } = clusterOf();
    const host = hostWith(cluster.image, earlier);
    const { answer } = listAt(host, earlier.endOffset, { minOffset: cluster.image.endOffset });
    expect(answer?.result).toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('is refused under a token that was revoked since, and not for one that was made since', () => {
    const { cluster } = clusterOf();
    const token = (letter: string) =>
      cluster.ok('createToken', { body: { name: letter, role: 'reader', secretHash: letter.repeat(64) } });
    const revoked = token('a').tokenId;
    const earlier = cluster.image;
    cluster.ok('revokeToken', { params: { tokenId: revoked } });
    const later = token('b').tokenId;
    const host = hostWith(cluster.image, earlier);
    expect(listAt(host, earlier.endOffset, { tokenId: revoked }).answer?.result).toMatchObject({
      code: 'SASL_AUTHENTICATION_FAILED',
    });
    expect(listAt(host, earlier.endOffset, { tokenId: later }).names).toEqual(['a', 'b']);
  });

  it('that this node’s disk fails is answered by the leader, and fails there by name', () => {
    const { cluster, earlier } = clusterOf();
    const host = hostWith(cluster.image, earlier);
    host.past.set(1, { kind: 'unreadable', reason: 'not the batch that was written' });
    listAt(host, offset(1));
    expect(host.forwards).toHaveLength(1);
    const { answer } = listAt(host, offset(1), {}, true);
    expect(answer?.result).toMatchObject({ code: 'UNKNOWN_SERVER_ERROR', message: unreadableLog });
    expect(host.rejected).toEqual(['listTopics']);
  });

  it('that fails is answered and reported, and takes no controller down', () => {
    const { cluster, earlier } = clusterOf();
    const host = hostWith(cluster.image, earlier);
    host.past.set(1, { kind: 'failed', reason: 'the log cannot be read' });
    host.past.set(2, { kind: 'busy' });
    expect(listAt(host, offset(1)).answer?.result).toMatchObject({ code: 'UNKNOWN_SERVER_ERROR' });
    expect(host.rejected).toEqual(['listTopics']);
    expect(listAt(host, offset(2)).answer?.result).toMatchObject({ code: 'THROTTLING_QUOTA_EXCEEDED' });
  });
});
