import { describe, expect, it } from 'vitest';
import type { OperationContext } from '../../src/metadata/operation.ts';
import { operationsById } from '../../src/metadata/operations.ts';
import type { ConfigAlteration, Policies, TopicCreation } from '../../src/metadata/policy.ts';
import { assertDefined } from '../../src/base/assert.ts';
import { clientWork } from '../../src/runtime/leader/client-work.ts';
import { offset } from '../../src/base/brands.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { RecordedReply } from './support/operations.ts';
import { requestOf } from './support/requests.ts';

/** What the caller is told, and whether anything was written. */
function ask(
  cluster: TestCluster,
  policies: Policies,
  asked: { readonly operationId: string; readonly params?: object; readonly body: object },
  validateOnly = false,
) {
  const { operationId, params, body } = asked;
  const operation = operationsById.get(operationId);
  if (operation === undefined) throw new Error('no such operation');
  const request = requestOf(operationId, { params, body, validateOnly });
  const context: OperationContext = { ...cluster.context, policies };
  const execution = clientWork(operation, request, new RecordedReply()).run(cluster.image, context);
  cluster.append(execution.records);
  const reply = new RecordedReply();
  execution.answer(reply, offset(cluster.image.endOffset));
  return { told: `${reply.told} ${reply.reason}`.trim(), written: execution.records.length };
}

const orders = { name: 'orders', configs: [{ name: 'retention.ms', value: '5' }] };
const creation = (body: object = orders) => ({ operationId: 'createTopic', body });
const retention = (operation: string, value?: string) => ({
  operationId: 'alterConfig',
  params: { resourceType: 'topic', resourceName: 'orders' },
  body: { changes: [{ name: 'retention.ms', operation, ...(value === undefined ? {} : { value }) }] },
});

function prepared(): TestCluster {
  const cluster = new TestCluster();
  cluster.start(1, 2, 3);
  return cluster;
}

describe('a policy for new topics', () => {
  it('sees the topic as it would be: every default decided, every replica placed', () => {
    const cluster = prepared();
    const seen: TopicCreation[] = [];
    const policies: Policies = { createTopic: (given) => (seen.push(given), null) };
    expect(ask(cluster, policies, creation()).written).toBe(3);
    const [first] = seen;
    expect(first).toMatchObject({ topic: 'orders', partitions: 1, replicationFactor: 3 });
    expect(first?.configs).toEqual({ 'retention.ms': '5' });
    expect(first?.assignments.map((replicas) => replicas.toSorted((left, right) => left - right))).toEqual([
      [1, 2, 3],
    ]);
  });

  it('refuses with its own sentence, and nothing is written, where it is only tried as well', () => {
    const cluster = prepared();
    const policies: Policies = { createTopic: ({ topic }) => `${topic} is not for you.` };
    for (const isTried of [false, true]) {
      const { told, written } = ask(cluster, policies, creation(), isTried);
      expect([told, written]).toEqual([expect.stringContaining('POLICY_VIOLATION'), 0]);
      expect(told).toContain('orders is not for you.');
    }
  });

  it('is asked after Ottla itself: what is refused already is none of its business', () => {
    const asked = { times: 0 };
    const policies: Policies = { createTopic: () => (asked.times++, 'no') };
    expect(ask(prepared(), policies, creation({ name: '..' })).told).toContain('INVALID_TOPIC_EXCEPTION');
    expect(asked.times).toBe(0);
  });

  it('refuses where it throws, or answers neither a text nor null: a promise allows nothing', () => {
    const throwing: Policies = {
      createTopic: () => {
        throw new Error('no such table');
      },
    };
    expect(ask(prepared(), throwing, creation()).told).toContain('The policy has failed: no such table');
    // As a program without types may give it.
    const promising = { createTopic: async () => null } as unknown as Policies;
    expect(ask(prepared(), promising, creation()).told).toContain('neither a text nor null, but object');
    // Vitest fails on a rejection that nobody handles, as a controller would end.
    const failing = { createTopic: async () => Promise.reject(new Error('later')) } as unknown as Policies;
    expect(ask(prepared(), failing, creation()).told).toContain('neither a text nor null, but object');
  });
});

describe('a policy for configs', () => {
  it('sees the new values, null for one that is taken away, and nothing where nothing changes', () => {
    const cluster = prepared();
    ask(cluster, {}, creation());
    const seen: ConfigAlteration[] = [];
    const policies: Policies = { alterConfig: (given) => (seen.push(given), null) };
    for (const asked of [retention('set', '7'), retention('set', '7'), retention('delete')]) {
      ask(cluster, policies, asked);
    }
    const resource = { resourceType: 'topic', resourceName: 'orders' };
    expect(seen).toEqual([
      { ...resource, configs: { 'retention.ms': '7' } },
      { ...resource, configs: { 'retention.ms': null } },
    ]);
  });

  it('refuses all of a change', () => {
    const cluster = prepared();
    ask(cluster, {}, creation());
    const { told, written } = ask(cluster, { alterConfig: () => 'Not today.' }, retention('set', '7'));
    expect([told, written]).toEqual([expect.stringContaining('Not today.'), 0]);
  });
});

describe('a policy that judges what is done step by step', () => {
  /** As if there were a policy for deletions: they read what their own steps have left. */
  function validate(partitions: number): string | null {
    const cluster = prepared();
    cluster.ok('createTopic', { body: { name: 'orders', partitions } });
    const policies: Policies = { createTopic: () => 'Nothing is deleted here.' };
    const deletion = assertDefined(operationsById.get('deleteTopic'), 'there is such an operation');
    const judged = { ...deletion, operationId: 'createTopic' };
    const request = requestOf('createTopic', { params: { topic: 'orders' }, validateOnly: true });
    const context: OperationContext = { ...cluster.context, policies, recordsPerStepMax: 10 };
    const reply = new RecordedReply();
    clientWork(judged, request, reply).run(cluster.image, context).answer(reply, cluster.image.endOffset);
    return `${reply.told} ${reply.reason}`;
  }

  it('is asked at the last step, where it is only tried, too', () => {
    expect(validate(200)).toBe('POLICY_VIOLATION Nothing is deleted here.');
  });

  it('is asked of no more than one slice of work, where it is only tried', () => {
    expect(validate(10_100)).toContain('INVALID_REQUEST What writes more than recordsValidatedMax = 1000');
  });
});
