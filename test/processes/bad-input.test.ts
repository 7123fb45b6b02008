import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { describe, expect, it } from 'vitest';
import { brokersOf, type BrokerView } from '../../bench/processes/brokers.ts';
import type { Controller } from '../../bench/processes/controller.ts';
import { field, type HttpAnswer, numberField } from '../../bench/processes/http.ts';
import { codeOf, createTopic, partitionsOf, topicsOn } from './api.ts';
import { sharedCluster } from './harness.ts';
import { clusterIdOf, uuidText } from './load.ts';

const cluster = sharedCluster();
const bodyBytesMax = 1_048_576;

/** Asks every node in turn: what is wrong is wrong everywhere, and a follower's refusal is the leader's. */
async function refusalsOf(ask: (controller: Controller) => Promise<HttpAnswer>): Promise<readonly string[]> {
  const refusals: string[] = [];
  for (const controller of cluster().quorum.controllers) {
    const answer = await ask(controller);
    refusals.push(`${answer.status} ${codeOf(answer)}`);
    expect(field(answer.body, 'detail')).toBeTruthy();
  }
  return refusals;
}

function onAllThree(refusal: string): readonly string[] {
  return [refusal, refusal, refusal];
}

async function liveBroker(): Promise<BrokerView> {
  const broker = (await brokersOf(cluster().leadership.leader))?.find(({ brokerId }) => brokerId === 1);
  if (broker === undefined) throw new Error('broker 1 is not registered');
  return broker;
}

function registration(change: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const listeners = [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9_092 }];
  return { brokerId: 501, incarnationId: uuidText(), listeners, features: supportedFeatures, ...change };
}

describe('what cannot be right is refused with a stable code and changes nothing', () => {
  it('refuses JSON that is malformed, empty where fields are needed, or not an object', async () => {
    for (const rawBody of ['{"name": "orders"', '{', 'null', '[]', '"orders"', '\u0000\u0001', '{}']) {
      const refusals = await refusalsOf((controller) => controller.ask('POST', '/v1/topics', { rawBody }));
      expect(refusals).toEqual(onAllThree('400 INVALID_REQUEST'));
    }
  });

  it('refuses a body above the limit, also when it does not say its length', async () => {
    const rawBody = `{"name":"${'x'.repeat(bodyBytesMax)}"}`;
    const refusals = await refusalsOf((controller) => controller.ask('POST', '/v1/topics', { rawBody }));
    expect(refusals).toEqual(onAllThree('413 REQUEST_TOO_LARGE'));
  });

  it('refuses a body so deep that a careless parser would fall over it', async () => {
    const rawBody = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const refusals = await refusalsOf((controller) => controller.ask('POST', '/v1/topics', { rawBody }));
    expect(refusals).toEqual(onAllThree('400 INVALID_REQUEST'));
  });

  it('refuses unknown fields by their names', async () => {
    const body = { name: 'orders', partitons: 3 };
    const answer = await cluster().leadership.leader.ask('POST', '/v1/topics', { body });
    expect(codeOf(answer)).toBe('INVALID_REQUEST');
    expect(answer.text).toContain('partitons');
    expect(await topicsOn(cluster().leadership.leader, 0)).toEqual([]);
  });

  it('knows no unknown topic, broker, session or path', async () => {
    const asked = [
      ['DELETE', '/v1/topics/nowhere', '404 UNKNOWN_TOPIC_OR_PARTITION'],
      ['GET', '/v1/topics/nowhere', '404 UNKNOWN_TOPIC_OR_PARTITION'],
      ['GET', '/v1/brokers/999', '404 BROKER_ID_NOT_REGISTERED'],
      ['DELETE', '/v1/sessions/999999', '404 UNKNOWN_SESSION_ID'],
      ['GET', '/v1/nothing', '404 RESOURCE_NOT_FOUND'],
    ] as const;
    for (const [method, path, refusal] of asked) {
      expect(await refusalsOf((controller) => controller.ask(method, path))).toEqual(onAllThree(refusal));
    }
  });

  it('refuses a heartbeat with a stale broker epoch', async () => {
    const { brokerEpoch } = await liveBroker();
    const body = { brokerEpoch: brokerEpoch - 1, metadataOffset: 0 };
    const refusals = await refusalsOf((each) => each.ask('POST', '/v1/brokers/1/heartbeat', { body }));
    expect(refusals).toEqual(onAllThree('409 STALE_BROKER_EPOCH'));
  });

  it('refuses a second broker with the id of a live one, which stays registered', async () => {
    const before = await liveBroker();
    const clusterId = await clusterIdOf(cluster().quorum);
    const refusals = await refusalsOf((controller) =>
      controller.ask('POST', '/v1/brokers', { body: registration({ brokerId: 1, clusterId }) }),
    );
    expect(refusals).toEqual(onAllThree('409 DUPLICATE_BROKER_REGISTRATION'));
    expect(await liveBroker()).toEqual(before);
  });

  it('refuses a broker that belongs to another cluster', async () => {
    const body = registration({ clusterId: uuidText() });
    const refusals = await refusalsOf((controller) => controller.ask('POST', '/v1/brokers', { body }));
    expect(refusals).toEqual(onAllThree('409 INCONSISTENT_CLUSTER_ID'));
  });

  it('refuses a replication factor above the number of brokers', async () => {
    const body = { name: 'too-many-copies', partitions: 1, replicationFactor: 4 };
    const refusals = await refusalsOf((controller) => controller.ask('POST', '/v1/topics', { body }));
    expect(refusals).toEqual(onAllThree('400 INVALID_REPLICATION_FACTOR'));
  });

  it('refuses an assignment with a duplicate, an unknown broker, or uneven lengths', async () => {
    for (const assignments of [[[1, 1]], [[1, 99]], [[1, 2], [1]], [[]]]) {
      const body = { name: 'badly-placed', assignments };
      const refusals = await refusalsOf((controller) => controller.ask('POST', '/v1/topics', { body }));
      expect(refusals).toEqual(onAllThree('400 INVALID_REPLICA_ASSIGNMENT'));
    }
  });

  it('does not let a fenced broker into an ISR', async () => {
    const { leader } = cluster().leadership;
    const clusterId = await clusterIdOf(cluster().quorum);
    const registered = await leader.ask('POST', '/v1/brokers', { body: registration({ clusterId }) });
    expect(registered.status).toBe(201);
    const fencedEpoch = numberField(registered.body, 'brokerEpoch');
    const { brokerEpoch } = await liveBroker();
    const created = await leader.ask('POST', '/v1/topics', {
      body: { name: 'half-fenced', assignments: [[1, 501]] },
    });
    expect(created.status).toBe(201);
    const [before] = await partitionsOf(leader, 'half-fenced');
    const proposal = {
      topicId: field(created.body, 'topicId'),
      partition: 0,
      leaderEpoch: before?.leaderEpoch,
      partitionEpoch: before?.partitionEpoch,
      newIsr: [
        { brokerId: 1, brokerEpoch },
        { brokerId: 501, brokerEpoch: fencedEpoch },
      ],
    };
    const body = { brokerId: 1, brokerEpoch, partitions: [proposal] };
    const answer = await leader.ask('POST', '/v1/isr', { body });
    expect(field(answer.body, 'partitions', 0, 'code')).toBe('INELIGIBLE_REPLICA');
    expect(await partitionsOf(leader, 'half-fenced')).toEqual([before]);
    expect((await leader.ask('DELETE', '/v1/topics/half-fenced')).status).toBe(200);
  });

  it('refuses an idempotency key that comes again with another body, and repeats the first answer', async () => {
    const { leader } = cluster().leadership;
    const [follower] = cluster().quorum.others(leader);
    const session = await leader.ask('POST', '/v1/sessions', { body: {} });
    const headers = { 'idempotency-key': `${numberField(session.body, 'sessionId')}:0` };
    const body = { name: 'once', partitions: 2, replicationFactor: 1 };
    const first = await leader.ask('POST', '/v1/topics', { body, headers });
    expect(first.status).toBe(201);
    const again = await follower?.ask('POST', '/v1/topics', { body, headers });
    expect(again?.status).toBe(201);
    expect(again?.body).toEqual(first.body);
    const refusals = await refusalsOf((controller) =>
      controller.ask('POST', '/v1/topics', { body: { ...body, partitions: 3 }, headers }),
    );
    expect(refusals).toEqual(onAllThree('422 IDEMPOTENCY_KEY_REUSED'));
    expect(await partitionsOf(leader, 'once')).toHaveLength(2);
    await leader.ask('DELETE', '/v1/topics/once');
  });

  it('refuses a key of a session that nobody opened, and does not carry the request out', async () => {
    const headers = { 'idempotency-key': '4000000000:0' };
    const body = { name: 'never', replicationFactor: 1 };
    const refusals = await refusalsOf((controller) =>
      controller.ask('POST', '/v1/topics', { body, headers }),
    );
    expect(refusals).toEqual(onAllThree('409 SESSION_EXPIRED'));
    expect(await topicsOn(cluster().leadership.leader, 0)).toEqual([]);
  });

  it('refuses a change whose precondition no longer holds', async () => {
    const { leader } = cluster().leadership;
    await createTopic(leader, 'guarded');
    const headers = { 'if-match': '"1"' };
    const refusals = await refusalsOf((controller) =>
      controller.ask('DELETE', '/v1/topics/guarded', { headers }),
    );
    expect(refusals).toEqual(onAllThree('412 PRECONDITION_FAILED'));
    const shown = await leader.ask('GET', '/v1/topics/guarded');
    const deleted = await leader.ask('DELETE', '/v1/topics/guarded', {
      headers: { 'if-match': String(shown.headers['etag']) },
    });
    expect(deleted.status).toBe(200);
  });

  it('serves on, on all nodes and by the same leader, after all of that', async () => {
    const { quorum, leadership } = cluster();
    const created = await createTopic(leadership.leader, 'afterwards', 3, 3);
    for (const controller of quorum.controllers) {
      expect((await topicsOn(controller, created.offset)).map(({ key }) => key)).toEqual(['afterwards']);
      expect((await controller.view())?.epoch).toBe(leadership.epoch);
    }
  });
});
