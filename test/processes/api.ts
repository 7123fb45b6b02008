import type { Controller } from '../../bench/processes/controller.ts';
import { field, type HttpAnswer, listField, numberField } from '../../bench/processes/http.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import type { StoredEntry, WriteCounts } from './ledger.ts';

/** The stable code of a problem; fails the test when the answer is none. */
export function codeOf(answer: HttpAnswer): string {
  const code = field(answer.body, 'code');
  if (typeof code === 'string' && answer.contentType === 'application/problem+json') return code;
  throw new Error(`not a problem: ${answer.status} ${answer.text}`);
}

export async function createTopic(
  controller: Controller,
  name: string,
  partitions = 1,
  replicationFactor = 1,
): Promise<{ readonly topicId: string; readonly offset: number }> {
  const answer = await controller.ask('POST', '/v1/topics', {
    body: { name, partitions, replicationFactor },
  });
  if (answer.status !== 201) throw new Error(`${name} was not created: ${answer.status} ${answer.text}`);
  return { topicId: String(field(answer.body, 'topicId')), offset: Number(answer.headers['ottla-offset']) };
}

type Listing = { readonly path: string; readonly name: string; readonly minOffset: number };

/** All pages of a listing, from this node's own state, which must reach `minOffset`. */
async function listAll(
  controller: Controller,
  { path, name, minOffset }: Listing,
): Promise<readonly unknown[]> {
  await whenServing(controller);
  const rows: unknown[] = [];
  let token: string | null = null;
  do {
    const next: string = token === null ? '' : `&continue=${encodeURIComponent(token)}`;
    const query = `?consistency=stale&min_offset=${minOffset}&timeout_ms=10000&limit=1000${next}`;
    const answer = await controller.ask('GET', path + query);
    if (answer.status !== 200) throw new Error(`${path}${query}: ${answer.status} ${answer.text}`);
    rows.push(...listField(answer.body, name));
    const given = field(answer.body, 'continue');
    token = typeof given === 'string' ? given : null;
  } while (token !== null);
  return rows;
}

/** Two of three make a leader while the third, restarted with them, may not listen yet. */
async function whenServing(controller: Controller): Promise<void> {
  await waitFor(`controller ${controller.id} listens`, async () => {
    const outcome = await controller.send('GET', '/livez');
    return outcome.type === 'answer' ? true : new NotYet(outcome.reason);
  });
}

/** Every topic as this node's own state shows it. */
export async function topicsOn(controller: Controller, minOffset: number): Promise<readonly StoredEntry[]> {
  const topics = await listAll(controller, { path: '/v1/topics', name: 'topics', minOffset });
  return topics.map((topic) => ({
    key: String(field(topic, 'name')),
    value: String(numberField(topic, 'partitionCount')),
    identity: String(field(topic, 'topicId')),
  }));
}

/** Every broker as this node's own state shows it, under the key that the ledger gives it. */
export async function registrationsOn(
  controller: Controller,
  minOffset: number,
): Promise<readonly StoredEntry[]> {
  const brokers = await listAll(controller, { path: '/v1/brokers', name: 'brokers', minOffset });
  return brokers.map((broker) => ({
    key: brokerKey(numberField(broker, 'brokerId')),
    value: String(field(broker, 'incarnationId')),
    identity: String(numberField(broker, 'brokerEpoch')),
  }));
}

export function brokerKey(id: number): string {
  return `broker ${id}`;
}

/** How often the log of this node says that each topic was created and deleted, and each broker registered. */
export async function countWrites(controller: Controller): Promise<WriteCounts> {
  const counts = new Map<string, { created: number; deleted: number }>();
  const names = new Map<string, string>();
  const countOf = (key: string): { created: number; deleted: number } => {
    const known = counts.get(key) ?? { created: 0, deleted: 0 };
    counts.set(key, known);
    return known;
  };
  for await (const { type, value } of logRecords(controller)) {
    if (type === 'TopicRecord') {
      const name = String(field(value, 'name'));
      names.set(String(field(value, 'topicId')), name);
      countOf(name).created += 1;
    }
    if (type === 'RemoveTopicRecord') {
      const name = names.get(String(field(value, 'topicId')));
      if (name !== undefined) countOf(name).deleted += 1;
    }
    if (type === 'RegisterBrokerRecord') countOf(brokerKey(numberField(value, 'brokerId'))).created += 1;
  }
  return counts;
}

export type LogRecord = { readonly offset: number; readonly type: string; readonly value: unknown };

/** Every committed record that this node still holds. */
export async function* logRecords(controller: Controller, from?: number): AsyncGenerator<LogRecord> {
  let next: number | null = from ?? null;
  for (;;) {
    const query: string = next === null ? '' : `&from=${next}`;
    const answer = await controller.ask('GET', `/v1/log?limit=1000${query}`);
    if (answer.status !== 200) throw new Error(`the log cannot be read: ${answer.text}`);
    const records = listField(answer.body, 'batches').flatMap((batch) => listField(batch, 'records'));
    for (const record of records) {
      yield {
        offset: numberField(record, 'offset'),
        type: String(field(record, 'type')),
        value: field(record, 'value'),
      };
    }
    const nextOffset = numberField(answer.body, 'nextOffset');
    if (nextOffset >= numberField(answer.body, 'endOffset') || nextOffset === next) return;
    next = nextOffset;
  }
}

export type PartitionView = {
  readonly partitionId: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
};

/** The partitions of one topic as the cluster knows them. */
export async function partitionsOf(controller: Controller, topic: string): Promise<readonly PartitionView[]> {
  const answer = await controller.ask('GET', `/v1/topics/${topic}/partitions?limit=1000`);
  if (answer.status !== 200) throw new Error(`${topic} cannot be read: ${answer.status} ${answer.text}`);
  return listField(answer.body, 'partitions').map((partition) => ({
    partitionId: numberField(partition, 'partition'),
    leader: numberField(partition, 'leader'),
    leaderEpoch: numberField(partition, 'leaderEpoch'),
    partitionEpoch: numberField(partition, 'partitionEpoch'),
    replicas: listField(partition, 'replicas').map(Number),
    isr: listField(partition, 'isr').map(Number),
  }));
}
