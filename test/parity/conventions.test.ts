import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { answersNotModified } from '../../src/http/entity-tags.ts';
import { operations } from '../../src/metadata/operations.ts';
import { propertiesOf } from '../../src/client/protocol/text-fields.ts';
import { type Asked, registration, token } from './error-cases.ts';
import { type PreparedNode, prepareNode } from './prepared-node.ts';

let node: PreparedNode;
beforeAll(async () => {
  node = await prepareNode();
  return () => node.end();
}, 60_000);

const get = (path: string): Asked => ({ method: 'GET', path });

/** One resource of each kind, as its operation describes it. */
const single = ({ tokenId }: PreparedNode): Readonly<Record<string, Asked>> => ({
  describeToken: get(`/tokens/${tokenId}`),
  describeBroker: get('/brokers/1'),
  describeTopic: get('/topics/orders'),
  describePartition: get('/topics/orders/partitions/0'),
  describeController: get('/controllers/8'),
  describeGroup: get('/groups/jobs'),
  describeResource: get('/resources/quota/alice'),
  describeProducerIds: get('/producer-ids'),
  describeSession: get('/sessions/1'),
});

/** A session that is there, in the place of the first. */
async function withSession(asked: Asked | undefined): Promise<Asked | undefined> {
  if (asked?.path !== '/sessions/1') return asked;
  const opened = await node.send({ method: 'POST', path: '/sessions', body: {} });
  const { sessionId } = opened.body as { readonly sessionId: number };
  return { ...asked, path: `/sessions/${sessionId}` };
}

describe('an answer that shows one resource', () => {
  const shown = operations.filter(
    ({ kind, response }) => kind === 'read' && propertiesOf(response)['lastModified'] !== undefined,
  );

  it.each(shown.map(({ operationId }) => operationId))('carries its entity tag: %s', async (operationId) => {
    const asked = await withSession(single(node)[operationId]);
    const answer = asked === undefined ? null : await node.send(asked);
    const { lastModified } = Object(answer?.body) as { readonly lastModified?: number };
    expect(answer?.headers.get('etag')).toBe(`"${lastModified}"`);
  });
});

/** A write of each operation that changes one thing, and where that thing is read, when it can be. */
function changes({
  clusterId,
  epochs,
  tokenId,
  memberId,
  memberEpoch,
}: PreparedNode): Readonly<Record<string, Asked>> {
  const body = { brokerEpoch: epochs[1], metadataOffset: 1_000 };
  const features = [
    ...supportedFeatures,
    { name: 'kind.quota', minSupportedVersion: 1, maxSupportedVersion: 1 },
  ];
  const controller = { controllerId: 9, incarnationId: 'AAAAAAAAAAAAAAAAAAAAAQ', features };
  const listeners = [{ name: 'CONTROLLER', host: 'c', port: 1 }];
  return {
    registerBroker: { method: 'POST', path: '/brokers', body: registration(1, clusterId, { rack: 'other' }) },
    heartbeatBroker: { method: 'POST', path: '/brokers/1/heartbeat', body },
    unregisterBroker: { method: 'POST', path: '/brokers/4/unregister' },
    fenceBroker: { method: 'POST', path: '/brokers/4/fence' },
    unfenceBroker: { method: 'POST', path: '/brokers/4/unfence' },
    cordonBroker: { method: 'POST', path: '/brokers/4/cordon' },
    uncordonBroker: { method: 'POST', path: '/brokers/4/uncordon' },
    drainBroker: { method: 'POST', path: '/brokers/4/drain', body: {} },
    alterConfig: {
      method: 'PATCH',
      path: '/configs/topic/orders',
      body: { changes: [{ name: 'retention.ms', operation: 'set', value: '1' }] },
    },
    unregisterController: { method: 'DELETE', path: '/controllers/8' },
    registerController: { method: 'POST', path: '/controllers', body: { ...controller, listeners } },
    updateFeature: { method: 'PUT', path: '/features/metadata.version', body: { featureLevel: 2 } },
    createTopic: { method: 'POST', path: '/topics', body: { name: 'new', partitions: 1 } },
    addPartitions: { method: 'POST', path: '/topics/orders/partitions', body: { count: 3 } },
    deleteTopic: { method: 'DELETE', path: '/topics/orders' },
    executeTransaction: {
      method: 'POST',
      path: '/transactions',
      body: { operations: [{ operationId: 'createTopic', body: { name: 'new' } }] },
    },
    allocateProducerIds: {
      method: 'POST',
      path: '/producer-ids',
      body: { brokerId: 1, brokerEpoch: epochs[1] },
    },
    openSession: { method: 'POST', path: '/sessions', body: {} },
    createToken: { method: 'POST', path: '/tokens', body: token({ secretHash: '02'.repeat(32) }) },
    revokeToken: { method: 'DELETE', path: `/tokens/${tokenId}` },
    joinGroup: { method: 'POST', path: '/groups/jobs/members', body: { memberId, metadata: 'there' } },
    heartbeatGroupMember: {
      method: 'POST',
      path: `/groups/jobs/members/${memberId}/heartbeat`,
      body: { memberEpoch },
    },
    leaveGroup: { method: 'POST', path: `/groups/jobs/members/${memberId}/leave`, body: { memberEpoch } },
    putResource: {
      method: 'PUT',
      path: '/resources/quota/alice',
      body: { value: { bytesPerSecond: 6 } },
    },
    deleteResource: { method: 'DELETE', path: '/resources/quota/alice' },
    closeSession: { method: 'DELETE', path: '/sessions/1' },
  };
}

/** They change many things, each with an epoch of its own. */
const changesMany = [
  'alterPartition',
  'alterPartitionReassignments',
  'assignReplicasToDirs',
  'electLeaders',
  'executeTransaction',
];

it('only an operator’s fencing goes before a metadata transaction: whatever else did could keep one from ever ending', () => {
  const first = operations.filter(({ priority }) => priority === 'fencing');
  expect(first.map(({ operationId }) => operationId)).toEqual(['fenceBroker']);
});

describe('an answer that the caller has already', () => {
  const notModified = operations.filter((operation) => answersNotModified(operation));

  it.each(notModified.map(({ operationId }) => operationId))('is not sent again: %s', async (operationId) => {
    const asked = await withSession(single(node)[operationId]);
    if (asked === undefined) throw new Error(`nothing is asked for ${operationId}`);
    const tag = (await node.send(asked)).headers.get('etag') ?? '';
    for (const known of [tag, `W/${tag}`, `"0", ${tag}`, '*']) {
      const again = await node.send(asked, { 'if-none-match': known });
      expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, null, tag]);
      expect(Number(again.headers.get('ottla-offset'))).toBeGreaterThan(0);
    }
    expect((await node.send(asked, { 'if-none-match': '"0"' })).status).toBe(200);
  });

  it('is sent where it may have changed under the same tag: a broker’s counts follow from its partitions', async () => {
    const tag = (await node.send(get('/brokers/1'))).headers.get('etag') ?? '';
    expect((await node.send(get('/brokers/1'), { 'if-none-match': tag })).status).toBe(200);
  });

  it('is a new one once the resource has changed, and a refusal where there is none', async () => {
    const { send } = node;
    await send({ method: 'POST', path: '/topics', body: { name: 'known', partitions: 1 } });
    const tag = (await send(get('/topics/known'))).headers.get('etag') ?? '';
    await send({ method: 'POST', path: '/topics/known/partitions', body: { count: 2 } });
    expect((await send(get('/topics/known'), { 'if-none-match': tag })).status).toBe(200);
    await send({ method: 'DELETE', path: '/topics/known' });
    expect((await send(get('/topics/known'), { 'if-none-match': tag })).status).toBe(404);
  });
});

describe('a condition on what has no tag', () => {
  it('is refused, and not dropped without a word', async () => {
    for (const [method, path] of [
      ['DELETE', '/quorum/voters/99'],
      ['POST', '/quorum/transfer-leadership'],
      ['POST', '/snapshots'],
    ] as const) {
      const answer = await node.send({ method, path }, { 'if-match': '"4"' });
      expect([answer.status, answer.body]).toMatchObject([
        400,
        { code: 'INVALID_REQUEST', detail: expect.stringContaining('If-Match') },
      ]);
    }
  });
});

describe('every read of metadata', () => {
  const reads = operations.filter(({ kind }) => kind === 'read').map(({ operationId }) => operationId);
  const shown = (prepared: PreparedNode): Readonly<Record<string, Asked>> => ({
    ...single(prepared),
    listTokens: get('/tokens'),
    listBrokers: get('/brokers'),
    listPartitionReassignments: get('/reassignments'),
    listTopics: get('/topics'),
    listPartitions: get('/topics/orders/partitions'),
    listBrokerPartitions: get('/brokers/1/partitions'),
    listControllers: get('/controllers'),
    listGroups: get('/groups'),
    listGroupMembers: get('/groups/jobs/members'),
    listSessions: get('/sessions'),
    listResourceKinds: get('/resources'),
    listResources: get('/resources/quota'),
    listConfigs: get('/configs'),
    listConfigDefinitions: get('/configs/definitions'),
    describeConfig: get('/configs/topic/orders'),
    describeFeatures: get('/features'),
    describeIdempotency: get('/idempotency'),
  });

  it.each(reads)('shows the past at an offset of then: %s', async (operationId) => {
    const { send } = node;
    const asked = await withSession(shown(node)[operationId]);
    expect(asked).toBeDefined();
    if (asked === undefined) return;
    const then = await send(asked);
    const at = then.headers.get('ottla-offset');
    await send({ method: 'POST', path: '/topics', body: { name: `later-${operationId}`, partitions: 1 } });
    await send({ method: 'POST', path: '/sessions', body: {} });
    const past = await send(get(`${asked.path}?at_offset=${at}`));
    expect([past.status, past.headers.get('ottla-offset'), past.headers.get('etag')]).toEqual([
      200,
      at,
      then.headers.get('etag'),
    ]);
    expect(past.body).toEqual(then.body);
  });

  it('waits for an offset that is not there yet, for as long as its caller does', async () => {
    const late = await node.send(get('/topics?at_offset=999999&timeout_ms=50'));
    expect([late.status, late.body]).toMatchObject([504, { code: 'REQUEST_TIMED_OUT' }]);
  });

  it('is refused where there is no past: a write, and what a node says of itself', async () => {
    const refused = [400, { code: 'INVALID_REQUEST' }];
    for (const asked of [
      { method: 'POST', path: '/topics?at_offset=1', body: { name: 'never' } },
      get('/quorum?at_offset=1'),
      get('/topics?at_offset=x'),
      get('/topics?at_offset=3&min_offset=4'),
    ]) {
      const { status, body } = await node.send(asked);
      expect([asked.path, status, body]).toMatchObject([asked.path, ...refused]);
    }
  });
});

describe('a write that changes one thing', () => {
  const writes = operations.filter(({ kind }) => kind !== 'read').map(({ operationId }) => operationId);

  it.each(writes.filter((id) => !changesMany.includes(id)))(
    'is refused when its If-Match is not the present tag, and changes nothing: %s',
    async (operationId) => {
      const asked = await withSession(changes(node)[operationId]);
      const before = await node.send(get('/topics?limit=9'));
      const answer = asked === undefined ? null : await node.send(asked, { 'if-match': '"0"' });
      expect([answer?.status, answer?.body]).toMatchObject([412, { code: 'PRECONDITION_FAILED' }]);
      const after = await node.send(get('/topics?limit=9'));
      expect(after.headers.get('ottla-offset')).toBe(before.headers.get('ottla-offset'));
    },
  );

  it('takes effect under the tag that was read, once: what it changes has another', async () => {
    const { send } = node;
    const add = { method: 'POST', path: '/topics/tagged/partitions' };
    await send({ method: 'POST', path: '/topics', body: { name: 'tagged', partitions: 1 } });
    const tag = (await send(get('/topics/tagged'))).headers.get('etag') ?? '';
    expect((await send({ ...add, body: { count: 2 } }, { 'if-match': tag })).status).toBe(200);
    expect((await send({ ...add, body: { count: 3 } }, { 'if-match': tag })).status).toBe(412);
    const remove = { method: 'DELETE', path: '/topics/tagged' };
    expect((await send(remove, { 'if-match': tag })).status).toBe(412);
    const newer = (await send(get('/topics/tagged'))).headers.get('etag') ?? '';
    expect((await send(remove, { 'if-match': newer })).status).toBe(200);
  });
});

describe('what is remembered under no key', () => {
  const keyed = { 'idempotency-key': 'again-1' };
  const refused = { code: 'IDEMPOTENCY_KEY_NOT_SUPPORTED' };

  it('refuses one, so that no heartbeat is answered from memory and not heard', async () => {
    const { heartbeatBroker, heartbeatGroupMember } = changes(node);
    for (const asked of [heartbeatBroker, heartbeatGroupMember]) {
      expect(asked).toBeDefined();
      if (asked === undefined) continue;
      const session = { 'idempotency-key': '40:7:5' };
      for (const key of [keyed, keyed, session]) {
        const answer = await node.send(asked, key);
        expect([answer.status, answer.body]).toMatchObject([400, refused]);
      }
      expect((await node.send(asked)).status).toBe(200);
    }
  });

  it('refuses one within a batch', async () => {
    const body = { brokerEpoch: node.epochs[1], metadataOffset: 1_000 };
    const heartbeat = { operationId: 'heartbeatBroker', params: { brokerId: 1 }, body };
    const operations = [{ ...heartbeat, idempotencyKey: 'again-1' }, heartbeat];
    const { body: answer } = await node.send({ method: 'POST', path: '/batch', body: { operations } });
    expect(answer).toMatchObject({ results: [{ status: 400, problem: refused }, { status: 200 }] });
  });

  it('refuses one where the core or the one node carries it out', async () => {
    const { send } = node;
    const transfer = { method: 'POST', path: '/quorum/transfer-leadership', body: {} };
    expect((await send(transfer, keyed)).body).toMatchObject(refused);
    expect((await send({ method: 'POST', path: '/snapshots' }, keyed)).body).toMatchObject(refused);
  });

  it('may be a read, which does no harm under one', async () => {
    expect((await node.send(get('/brokers/1'), keyed)).status).toBe(200);
  });
});

describe('a path', () => {
  it('answers HEAD like GET without a body, and another method with 405', async () => {
    const head = await node.send({ method: 'HEAD', path: '/topics/orders' });
    expect([head.status, head.body]).toEqual([200, null]);
    expect(head.headers.get('etag')).toMatch(/^"\d+"$/);
    const patch = await node.send({ method: 'PATCH', path: '/topics/orders' });
    expect([patch.status, patch.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, OPTIONS']);
    expect(patch.body).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
    const options = await node.send({ method: 'OPTIONS', path: '/topics' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, POST']);
  });
});

describe('a listing of a real node', () => {
  it('shows one offset on all its pages while others write', async () => {
    const { send } = node;
    const first = await send(get('/brokers?limit=2'));
    const { continue: next } = first.body as { readonly continue: string };
    await send({ method: 'POST', path: '/sessions', body: {} });
    const second = await send(get(`/brokers?limit=9&continue=${encodeURIComponent(next)}`));
    expect(second.body).toMatchObject({ brokers: [{ brokerId: 3 }, { brokerId: 4 }], continue: null });
    expect(second.headers.get('ottla-offset')).toBe(first.headers.get('ottla-offset'));
  });
});
