import { describe, expect, it } from 'vitest';
import { offset } from '../../src/base/brands.ts';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { RouterHost } from './support/router.ts';

const names = ['a', 'b', 'c', 'd', 'e'];

/** A cluster with topics, and what makes another image of it. */
function clusterOf() {
  const cluster = new TestCluster();
  cluster.start(1);
  for (const name of names) create(cluster, name);
  return cluster;
}

function create(cluster: TestCluster, name: string): void {
  cluster.ok('createTopic', { body: { name, partitions: 1, replicationFactor: 1 } });
}

function leader(): RouterHost {
  const host = new RouterHost({ leads: true });
  host.leaderId = 0;
  return host;
}

type Page = { readonly topics: readonly { readonly name: string }[]; readonly continue: string | null };

function list(host: RouterHost, query: object, changes: object = {}, isForwarded = false) {
  host.answers.length = 0;
  host.route(
    'listTopics',
    { input: { params: {}, query, body: {} }, consistency: 'stale', ...changes },
    isForwarded,
  );
  host.run(1);
  const [answer] = host.answers;
  const page = answer?.result.ok === true ? (answer.result.response as Page) : null;
  return { answer, names: page?.topics.map(({ name }) => name) ?? [], next: page?.continue ?? null };
}

describe('a listing', () => {
  it('shows one offset on all its pages, whatever happens meanwhile', () => {
    const cluster = clusterOf();
    const host = leader();
    host.image = cluster.image;
    const first = list(host, { limit: 2 });
    expect(first.names).toEqual(['a', 'b']);
    cluster.ok('deleteTopic', { params: { topic: 'd' } });
    create(cluster, 'bb');
    const begun = host.image.endOffset;
    host.image = cluster.image;
    const second = list(host, { limit: 2, continue: first.next });
    const third = list(host, { limit: 2, continue: second.next });
    expect([second.names, third.names, third.next]).toEqual([['c', 'd'], ['e'], null]);
    expect([second.answer?.offset, third.answer?.offset]).toEqual([begun, begun]);
    expect(list(host, { limit: 9 }).names).toEqual(['a', 'b', 'bb', 'c', 'e']);
  });

  it('goes on at the leader when this node does not have its image, and there once only', () => {
    const host = new RouterHost();
    host.image = clusterOf().image;
    list(host, { continue: '3:1:b' });
    expect(host.forwards).toHaveLength(1);
    const { answer } = list(host, { continue: '3:1:b' }, {}, true);
    expect(answer?.result).toMatchObject({ ok: false, code: 'OFFSET_OUT_OF_RANGE' });
    expect(host.forwards).toHaveLength(1);
  });

  it('goes on at any node that stands at its offset', () => {
    const cluster = clusterOf();
    const [one, other] = [leader(), new RouterHost()];
    one.image = cluster.image;
    other.image = cluster.image;
    const { next } = list(one, { limit: 3 });
    expect(list(other, { continue: next }).names).toEqual(['d', 'e']);
  });

  it('whose image is gone says which offset and node it was of, and how to begin anew', () => {
    const cluster = clusterOf();
    const host = leader();
    host.image = cluster.image;
    const at = host.image.endOffset;
    const { next } = list(host, { limit: 2 });
    create(cluster, 'f');
    host.image = cluster.image;
    host.run(runtimeLimits.listingImageIdleMs - 10);
    expect(list(host, { limit: 1, continue: next }).names).toEqual(['c']);
    // Its last use counts.
    host.run(runtimeLimits.listingImageIdleMs - 10);
    expect(list(host, { limit: 9, continue: next }).names).toEqual(['c', 'd', 'e']);
    host.run(runtimeLimits.listingImageIdleMs + 10);
    expect(list(host, { continue: next }).answer?.result).toMatchObject({
      ok: false,
      code: 'OFFSET_OUT_OF_RANGE',
      message: expect.stringContaining('List again without continue'),
      details: { offset: at, nodeId: 0 },
    });
  });

  it('ends for the sake of newer ones when too many are under way', () => {
    const cluster = clusterOf();
    const host = leader();
    const tokens: (string | null)[] = [];
    for (let at = 0; at <= runtimeLimits.listingImagesMax; at++) {
      create(cluster, `t-${at}`);
      host.image = cluster.image;
      tokens.push(list(host, { limit: 1 }).next);
    }
    create(cluster, 'last');
    host.image = cluster.image;
    expect(list(host, { continue: tokens[0] }).answer?.result).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    expect(list(host, { continue: tokens[1] }).answer?.result).toMatchObject({ ok: true });
  });

  it('does not break the promise of min_offset', () => {
    const cluster = clusterOf();
    const host = leader();
    host.image = cluster.image;
    const at = host.image.endOffset;
    const { next } = list(host, { limit: 2 });
    expect(list(host, { continue: next }, { minOffset: at }).answer?.result).toMatchObject({ ok: true });
    const { answer } = list(host, { continue: next }, { minOffset: offset(at + 1) });
    expect(answer?.result).toMatchObject({ ok: false, code: 'OFFSET_OUT_OF_RANGE' });
  });

  it.each(['', 'b', '1:b', ':1:b', '01:1:b', '9999999999999999:1:b', '1:9999999999:b'])(
    'takes no token that is none of its own: %s',
    (token) => {
      const host = leader();
      host.image = clusterOf().image;
      expect(list(host, { continue: token }).answer?.result).toMatchObject({ code: 'INVALID_REQUEST' });
    },
  );
});
