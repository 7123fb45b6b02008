import { describe, expect, it } from 'vitest';
import { limits } from '../../src/metadata/limits.ts';
import { definitionsOf, findDefinition } from '../../src/metadata/resources/config/definitions.ts';
import { findValueFault } from '../../src/metadata/resources/config/values.ts';
import { topicByName } from '../../src/metadata/resources/topic/state.ts';
import { shownRecord } from '../../src/metadata/shown-record.ts';
import { TestCluster } from './cluster.ts';

type Change = { readonly name: string; readonly operation?: string; readonly value?: string };

const orders = { resourceType: 'topic', resourceName: 'orders' } as const;
const allBrokers = { resourceType: 'broker', resourceName: 'default' } as const;
const firstBroker = { resourceType: 'broker', resourceName: '1' } as const;

function started(): TestCluster {
  const cluster = new TestCluster();
  cluster.start(1, 2);
  cluster.ok('createTopic', { body: { name: 'orders' } });
  return cluster;
}

function alteration(params: object, changes: readonly Change[]) {
  return { params, body: { changes: changes.map((change) => ({ operation: 'set', ...change })) } };
}

function alter(cluster: TestCluster, params: object, ...changes: readonly Change[]): number {
  return cluster.ok('alterConfig', alteration(params, changes)).changed;
}

function refuse(cluster: TestCluster, params: object, ...changes: readonly Change[]): string {
  const result = cluster.run('alterConfig', alteration(params, changes));
  if (result.ok) throw new Error('it was not refused');
  return `${result.error.code}: ${result.error.message}`;
}

function valueOf(cluster: TestCluster, params: object, name: string) {
  const { configs } = cluster.ok('describeConfig', { params });
  const found = configs.find((config) => config.name === name);
  return found === undefined ? null : `${found.value} (${found.source})`;
}

function tagOf(cluster: TestCluster, params: object): number | null {
  const result = cluster.run('describeConfig', { params });
  return result.ok ? (result.value.modifiedOffset ?? null) : null;
}

describe('the table of configs', () => {
  it('gives every config a default that it would take itself, and a sentence', () => {
    for (const definition of [...definitionsOf.topic, ...definitionsOf.broker]) {
      const { defaultValue, documentation, name } = definition;
      const fault = defaultValue === null ? null : findValueFault(definition, defaultValue);
      expect([name, fault]).toEqual([name, null]);
      expect(documentation).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('names for a topic’s config one of the brokers’ of the same type', () => {
    for (const { name, brokerName, type } of definitionsOf.topic) {
      const standIn = brokerName === null ? null : findDefinition('broker', brokerName);
      expect([name, brokerName === null ? null : standIn?.type]).toEqual([
        name,
        brokerName === null ? null : type,
      ]);
    }
  });

  it('is shown whole, with what is sensitive', () => {
    const { definitions } = started().ok('listConfigDefinitions', {});
    expect(definitions).toHaveLength(definitionsOf.topic.length + definitionsOf.broker.length);
    expect(definitions).toContainEqual(
      expect.objectContaining({
        resourceType: 'topic',
        name: 'min.insync.replicas',
        type: 'int',
        defaultValue: '1',
        minimum: '1',
      }),
    );
    const sensitive = definitions.filter(({ isSensitive }) => isSensitive).map(({ name }) => name);
    expect(sensitive).toContain('ssl.key.password');
  });
});

describe('a value', () => {
  it.each([
    ['topic', 'min.insync.replicas', '0', 'is 0, and must be from 1 to 2147483647'],
    ['topic', 'min.insync.replicas', '2147483648', 'is 2147483648, and must be from 1 to 2147483647'],
    ['topic', 'min.insync.replicas', '1.5', "is '1.5', and must be a whole number"],
    ['topic', 'retention.ms', '-2', 'is -2, and must be from -1 to 9223372036854775807'],
    ['topic', 'retention.ms', '9223372036854775808', 'must be from -1 to 9223372036854775807'],
    ['topic', 'min.cleanable.dirty.ratio', '1.1', 'is 1.1, and must be from 0 to 1'],
    ['topic', 'min.cleanable.dirty.ratio', 'half', "is 'half', and must be a number"],
    ['topic', 'preallocate', 'yes', "is 'yes', and must be true or false"],
    ['topic', 'message.timestamp.type', 'Now', "is 'Now', and must be one of CreateTime, LogAppendTime"],
    ['topic', 'cleanup.policy', 'delete,shred', "is 'shred', and must be one of compact, delete"],
    ['topic', 'no.such.config', '1', 'is no config of a topic'],
    ['topic', 'log.retention.ms', '1', 'is no config of a topic'],
    ['broker', 'retention.ms', '1', 'is no config of a broker'],
    ['broker', 'listener.name.x.no.such', '1', 'is no config of a broker'],
    ['topic', 'listener.name.x.max.connections', '1', 'is no config of a topic'],
    ['topic', 'user.', '1', 'is no config of a topic'],
  ])('of %s %s is refused as %s: it %s', (resourceType, name, value, complaint) => {
    const resourceName = resourceType === 'topic' ? 'orders' : 'default';
    const refusal = refuse(started(), { resourceType, resourceName }, { name, value });
    expect(refusal).toMatch(new RegExp(`^INVALID_CONFIG: ${name.replaceAll('.', '\\.')} `));
    expect(refusal).toContain(complaint);
  });

  it.each([
    ['topic', 'retention.ms', '9223372036854775807'],
    ['topic', 'retention.ms', '-1'],
    ['topic', 'min.cleanable.dirty.ratio', '5e-1'],
    ['topic', 'cleanup.policy', 'compact,delete'],
    ['topic', 'cleanup.policy', ''],
    ['topic', 'user.team', 'payments'],
    ['broker', 'user.rack-unit', '17'],
    ['broker', 'listener.name.internal.max.connections', '5'],
  ])('of %s %s may be %s', (resourceType, name, value) => {
    const resourceName = resourceType === 'topic' ? 'orders' : 'default';
    const cluster = started();
    expect(alter(cluster, { resourceType, resourceName }, { name, value })).toBe(1);
    expect(valueOf(cluster, { resourceType, resourceName }, name)).toMatch(value);
  });

  it('is stored without the blanks around it', () => {
    const cluster = started();
    alter(cluster, orders, { name: 'retention.ms', value: ' 5 ' });
    expect(valueOf(cluster, orders, 'retention.ms')).toBe('5 (topic)');
  });
});

describe('altering configs', () => {
  it('sets and deletes, and shows where each value comes from', () => {
    const cluster = started();
    expect(valueOf(cluster, orders, 'retention.ms')).toBe('604800000 (default)');
    expect(alter(cluster, allBrokers, { name: 'log.retention.ms', value: '1000' })).toBe(1);
    expect(valueOf(cluster, allBrokers, 'log.retention.ms')).toBe('1000 (clusterDefault)');
    expect(valueOf(cluster, firstBroker, 'log.retention.ms')).toBe('1000 (clusterDefault)');
    expect(valueOf(cluster, orders, 'retention.ms')).toBe('1000 (clusterDefault)');
    alter(cluster, firstBroker, { name: 'log.retention.ms', value: '2000' });
    expect(valueOf(cluster, firstBroker, 'log.retention.ms')).toBe('2000 (broker)');
    // One broker's own value is that broker's alone.
    expect(valueOf(cluster, orders, 'retention.ms')).toBe('1000 (clusterDefault)');
    alter(cluster, orders, { name: 'retention.ms', value: '3000' });
    expect(valueOf(cluster, orders, 'retention.ms')).toBe('3000 (topic)');
    expect(alter(cluster, orders, { name: 'retention.ms', operation: 'delete' })).toBe(1);
    expect(valueOf(cluster, orders, 'retention.ms')).toBe('1000 (clusterDefault)');
    expect(cluster.ok('listConfigs', {}).resources.map((row) => [row.resourceName, row.configCount])).toEqual(
      [
        ['default', 1],
        ['1', 1],
      ],
    );
  });

  it('appends to lists and subtracts from them, beginning with the default', () => {
    const cluster = started();
    const policy = (operation: string, value: string): number =>
      alter(cluster, orders, { name: 'cleanup.policy', operation, value });
    expect(policy('append', 'compact')).toBe(1);
    expect(valueOf(cluster, orders, 'cleanup.policy')).toBe('delete,compact (topic)');
    expect(policy('append', 'compact,delete')).toBe(0);
    expect(policy('subtract', 'delete')).toBe(1);
    expect(valueOf(cluster, orders, 'cleanup.policy')).toBe('compact (topic)');
    expect(
      refuse(cluster, orders, { name: 'cleanup.policy', operation: 'append', value: 'shred' }),
    ).toContain("is 'shred'");
    expect(refuse(cluster, orders, { name: 'retention.ms', operation: 'append', value: '1' })).toContain(
      'is no list, so that nothing can be appended',
    );
    expect(refuse(cluster, orders, { name: 'retention.ms', operation: 'subtract', value: '1' })).toContain(
      'subtracted',
    );
  });

  it('makes all changes of a request or none, and writes nothing for what is so already', () => {
    const cluster = started();
    const end = cluster.image.endOffset;
    const good = { name: 'retention.ms', value: '5' };
    expect(refuse(cluster, orders, good, { name: 'segment.ms', value: '0' })).toContain('segment.ms');
    expect(cluster.image.endOffset).toBe(end);
    expect(alter(cluster, orders, good, { name: 'segment.ms', value: '7' })).toBe(2);
    const after = cluster.image.endOffset;
    expect(alter(cluster, orders, good, { name: 'preallocate', operation: 'delete' })).toBe(0);
    expect(cluster.image.endOffset).toBe(after);
  });

  it('refuses what contradicts itself', () => {
    const cluster = started();
    expect(
      refuse(cluster, orders, { name: 'retention.ms', value: '1' }, { name: 'retention.ms', value: '2' }),
    ).toBe('INVALID_REQUEST: A config is named twice.');
    expect(refuse(cluster, orders, { name: 'retention.ms' })).toContain('needs a value to set');
    expect(refuse(cluster, orders, { name: 'retention.ms', operation: 'delete', value: '1' })).toContain(
      'has no value',
    );
    const lags = [
      { name: 'min.compaction.lag.ms', value: '9' },
      { name: 'max.compaction.lag.ms', value: '8' },
    ];
    expect(refuse(cluster, orders, ...lags)).toBe(
      'INVALID_CONFIG: min.compaction.lag.ms is above max.compaction.lag.ms.',
    );
    alter(cluster, allBrokers, { name: 'log.cleaner.max.compaction.lag.ms', value: '8' });
    expect(refuse(cluster, orders, { name: 'min.compaction.lag.ms', value: '9' })).toContain('is above');
  });

  it('is bounded for each resource', () => {
    const cluster = started();
    const own = (count: number, value: string) =>
      Array.from({ length: count }, (_, at) => ({ name: `user.${at}`, value }));
    expect(alter(cluster, orders, ...own(limits.configsPerResourceMax, 'x'))).toBe(
      limits.configsPerResourceMax,
    );
    expect(refuse(cluster, orders, { name: 'retention.ms', value: '1' })).toContain('configsPerResourceMax');
    const long = 'x'.repeat(4_000);
    expect(refuse(cluster, allBrokers, ...own(3, long))).toContain('configLengthPerResourceMax');
    expect(alter(cluster, allBrokers, ...own(2, long))).toBe(2);
    const member = { name: 'follower.replication.throttled.replicas', operation: 'append', value: long };
    alter(cluster, firstBroker, { name: 'user.x', value: 'x' });
    expect(refuse(cluster, firstBroker, member)).toContain('is no config of a broker');
  });

  it('is refused of what is not there', () => {
    const cluster = started();
    const body = { changes: [{ name: 'user.x', operation: 'set', value: '1' }] };
    const code = (resourceType: string, resourceName: string): string =>
      cluster.code('alterConfig', { params: { resourceType, resourceName }, body });
    expect(code('topic', 'nowhere')).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(code('broker', '9')).toBe('BROKER_ID_NOT_REGISTERED');
    expect(code('broker', 'one')).toBe('INVALID_REQUEST');
    expect(cluster.code('describeConfig', { params: { resourceType: 'broker', resourceName: '9' } })).toBe(
      'BROKER_ID_NOT_REGISTERED',
    );
  });

  it('has a tag that every change moves, a removal as well', () => {
    const cluster = started();
    const created = tagOf(cluster, orders);
    // Of the topic itself: more partitions are no other configs.
    expect(created).toBe(topicByName(cluster.image.topic, 'orders')?.lastModified);
    expect(tagOf(cluster, allBrokers)).toBe(0);
    alter(cluster, orders, { name: 'retention.ms', value: '1' }, { name: 'user.a', value: '1' });
    const both = tagOf(cluster, orders);
    alter(cluster, orders, { name: 'retention.ms', operation: 'delete' });
    expect(tagOf(cluster, orders)).toBeGreaterThan(both ?? 0);
    alter(cluster, orders, { name: 'user.a', operation: 'delete' });
    expect(tagOf(cluster, orders)).toBe(created);
  });
});

describe('the configs of a topic', () => {
  it('may be given when it is created, and are checked first', () => {
    const cluster = started();
    const configs = [{ name: 'retention.ms', value: '5' }];
    cluster.ok('createTopic', { body: { name: 'new', configs } });
    const created = { resourceType: 'topic', resourceName: 'new' };
    expect(valueOf(cluster, created, 'retention.ms')).toBe('5 (topic)');
    const wrong = [{ name: 'no.such', value: '5' }];
    expect(cluster.code('createTopic', { body: { name: 'other', configs: wrong } })).toBe('INVALID_CONFIG');
  });

  it('go with it, so that one of the same name begins with nothing', () => {
    const cluster = started();
    alter(cluster, orders, { name: 'retention.ms', value: '5' }, { name: 'user.a', value: '1' });
    const result = cluster.run('deleteTopic', { params: { topic: 'orders' } });
    const types = result.ok ? result.value.records.map(({ type }) => type) : [];
    expect(types).toEqual(['ConfigRecord', 'ConfigRecord', 'RemoveTopicRecord']);
    expect(cluster.ok('listConfigs', {}).resources).toEqual([]);
    cluster.ok('createTopic', { body: { name: 'orders' } });
    expect(valueOf(cluster, orders, 'retention.ms')).toBe('604800000 (default)');
  });
});

describe('the configs of a broker', () => {
  it('outlive its registration, and can then be taken away and not added to by accident', () => {
    const cluster = started();
    cluster.register(3);
    const third = { resourceType: 'broker', resourceName: '3' };
    alter(cluster, third, { name: 'num.replica.fetchers', value: '2' });
    cluster.ok('unregisterBroker', { params: { brokerId: 3 } });
    expect(valueOf(cluster, third, 'num.replica.fetchers')).toBe('2 (broker)');
    alter(cluster, third, { name: 'num.replica.fetchers', operation: 'delete' });
    expect(cluster.code('describeConfig', { params: third })).toBe('BROKER_ID_NOT_REGISTERED');
  });

  it('never show a password: not where they are described, not in a refusal, not in the log', () => {
    const cluster = started();
    const secret = 'tiger-7';
    const names = ['ssl.key.password', 'listener.name.internal.ssl.keystore.password'];
    alter(cluster, firstBroker, ...names.map((name) => ({ name, value: secret })));
    const { configs } = cluster.ok('describeConfig', { params: firstBroker });
    const shown = configs.filter(({ name }) => names.includes(name));
    expect(shown).toEqual(
      names
        .sort()
        .map((name) => ({ name, type: 'password', value: null, source: 'broker', isSensitive: true })),
    );
    const tooLong = { name: 'ssl.key.password', value: secret.repeat(590) };
    expect(refuse(cluster, firstBroker, tooLong)).not.toContain(secret);
    expect(JSON.stringify(cluster.log)).toContain(secret);
    expect(JSON.stringify(cluster.log.map(({ record }) => shownRecord(record)))).not.toContain(secret);
    const kept = {
      type: 'ConfigRecord',
      resourceType: 4,
      resourceName: '',
      name: 'user.x',
      value: 'y',
    } as const;
    expect(shownRecord(kept)).toBe(kept);
  });
});
