import * as fc from 'fast-check';
import { lookupAnswer, answerRecord } from '../../src/metadata/resources/session/answers.ts';
import { expireSessions } from '../../src/metadata/resources/session/expiry.ts';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import { expireGroupMembers } from '../../src/metadata/resources/group/expiry.ts';
import type { Uuid } from '../../src/base/brands.ts';
import { incarnationId, type TestCluster } from './cluster.ts';
import { allPartitions } from './invariants.ts';

/** One thing that happens to a cluster. Numbers are taken modulo what there is. */
export type Event =
  | {
      readonly kind: 'register';
      readonly broker: number;
      readonly incarnation: number;
      readonly vouches: boolean;
      readonly directories: number;
    }
  | {
      readonly kind: 'heartbeat';
      readonly broker: number;
      readonly wantFence: boolean;
      readonly wantShutDown: boolean;
      readonly offline: number;
    }
  | {
      readonly kind: 'assign';
      readonly partition: number;
      readonly broker: number;
      readonly directory: number;
    }
  | { readonly kind: 'expire'; readonly brokers: readonly number[] }
  | { readonly kind: 'unregister'; readonly broker: number }
  | { readonly kind: 'hold'; readonly broker: number; readonly isHeld: boolean }
  | {
      readonly kind: 'create';
      readonly topic: number;
      readonly partitions: number;
      readonly replicas: number;
    }
  | { readonly kind: 'addPartitions'; readonly topic: number; readonly count: number }
  | { readonly kind: 'delete'; readonly topic: number }
  | { readonly kind: 'alter'; readonly partition: number; readonly keep: number }
  | { readonly kind: 'reassign'; readonly partition: number; readonly target: readonly number[] }
  | { readonly kind: 'cancel'; readonly partition: number }
  | { readonly kind: 'configure'; readonly topic: number; readonly config: number; readonly value: number }
  | { readonly kind: 'takeProducerIds'; readonly broker: number }
  | { readonly kind: 'openSession' }
  | { readonly kind: 'answer'; readonly session: number; readonly sequence: number; readonly forget: number }
  | { readonly kind: 'headerAnswer'; readonly key: number }
  | { readonly kind: 'closeSession'; readonly session: number }
  | { readonly kind: 'createToken'; readonly token: number; readonly name: number; readonly broker: number }
  | { readonly kind: 'revokeToken'; readonly token: number }
  | { readonly kind: 'join'; readonly group: number; readonly member: number; readonly metadata: number }
  | { readonly kind: 'leave'; readonly group: number; readonly member: number }
  | { readonly kind: 'expireMembers'; readonly members: readonly number[] }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'step' }
  | { readonly kind: 'failOver' };

const broker = fc.integer({ min: 1, max: 5 });
const topic = fc.integer({ min: 0, max: 3 });
const small = fc.nat({ max: 20 });
/** Bits of the directories that a broker may have; mostly all, or none. */
const directories = fc.constantFrom(0, 1, 3, 3, 7, 6);

function event<Kind extends Event['kind']>(
  kind: Kind,
  weight: number,
  fields: { readonly [Name in Exclude<keyof Extract<Event, { kind: Kind }>, 'kind'>]: fc.Arbitrary<unknown> },
): fc.WeightedArbitrary<Event> {
  return { weight, arbitrary: fc.record({ kind: fc.constant(kind), ...fields }) as fc.Arbitrary<Event> };
}

export const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    event('register', 6, {
      broker,
      incarnation: fc.integer({ min: 0, max: 2 }),
      vouches: fc.boolean(),
      directories,
    }),
    event('heartbeat', 14, {
      broker,
      wantFence: fc.integer({ min: 0, max: 9 }).map((value) => value === 0),
      wantShutDown: fc.integer({ min: 0, max: 5 }).map((value) => value === 0),
      offline: fc.integer({ min: 0, max: 15 }).map((value) => Math.max(0, value - 12)),
    }),
    event('assign', 4, { partition: small, broker, directory: fc.nat({ max: 2 }) }),
    event('expire', 4, { brokers: fc.uniqueArray(broker, { minLength: 1, maxLength: 3 }) }),
    event('unregister', 2, { broker }),
    event('hold', 3, { broker, isHeld: fc.boolean() }),
    event('create', 5, {
      topic,
      partitions: fc.integer({ min: 1, max: 9 }),
      replicas: fc.integer({ min: 1, max: 4 }),
    }),
    event('addPartitions', 2, { topic, count: fc.integer({ min: 1, max: 14 }) }),
    event('delete', 2, { topic }),
    event('alter', 8, { partition: small, keep: fc.nat({ max: 31 }) }),
    event('reassign', 5, {
      partition: small,
      target: fc.uniqueArray(broker, { minLength: 1, maxLength: 4 }),
    }),
    event('cancel', 2, { partition: small }),
    event('configure', 3, {
      topic: fc.integer({ min: -2, max: 3 }),
      config: fc.nat({ max: 4 }),
      value: fc.nat({ max: 3 }),
    }),
    event('takeProducerIds', 2, { broker }),
    event('openSession', 2, {}),
    event('answer', 4, { session: small, sequence: fc.nat({ max: 12 }), forget: fc.nat({ max: 8 }) }),
    event('headerAnswer', 2, { key: fc.nat({ max: 4 }) }),
    event('closeSession', 1, { session: small }),
    event('createToken', 3, { token: fc.nat({ max: 5 }), name: fc.nat({ max: 2 }), broker }),
    event('revokeToken', 2, { token: fc.nat({ max: 5 }) }),
    event('join', 5, { group: fc.nat({ max: 1 }), member: fc.nat({ max: 3 }), metadata: fc.nat({ max: 1 }) }),
    event('leave', 2, { group: fc.nat({ max: 1 }), member: fc.nat({ max: 3 }) }),
    event('expireMembers', 2, {
      members: fc.uniqueArray(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }),
    }),
    event('time', 2, { ms: fc.constantFrom(1, 5_000, 700_000, 3_700_000) }),
    event('pause', 1, {}),
    event('step', 2, {}),
    event('failOver', 1, {}),
  ),
  { minLength: 1, maxLength: 120, size: 'max' },
);

const hash = Uint8Array.of(1, 2, 3);

/** Lets an event happen; operations may be refused, which changes nothing. */
export function happen(cluster: TestCluster, now: Event): void {
  const { image } = cluster;
  switch (now.kind) {
    case 'register': {
      const previousBrokerEpoch = image.broker.brokers.get(now.broker)?.brokerEpoch ?? 0;
      const known = cluster.registration(
        now.broker,
        now.broker * 10 + now.incarnation,
        `rack-${now.broker % 2}`,
      );
      const body = { ...known, logDirs: directoriesOf(now.broker, now.directories) };
      cluster.run('registerBroker', { body: { ...body, ...(now.vouches ? { previousBrokerEpoch } : {}) } });
      return;
    }
    case 'heartbeat': {
      const brokerEpoch = image.broker.brokers.get(now.broker)?.brokerEpoch ?? 0;
      const { wantFence, wantShutDown } = now;
      const offlineLogDirs = directoriesOf(now.broker, now.offline);
      const body = { brokerEpoch, metadataOffset: image.endOffset, wantFence, wantShutDown, offlineLogDirs };
      cluster.run('heartbeatBroker', { params: { brokerId: now.broker }, body });
      return;
    }
    case 'assign':
      assign(cluster, now);
      return;
    case 'expire':
      cluster.expire(expireBrokerSessions, ...now.brokers);
      return;
    case 'unregister':
      cluster.run('unregisterBroker', { params: { brokerId: now.broker } });
      return;
    case 'hold':
      cluster.run(now.isHeld ? 'fenceBroker' : 'unfenceBroker', { params: { brokerId: now.broker } });
      return;
    case 'create':
      cluster.run('createTopic', {
        body: { name: `topic-${now.topic}`, partitions: now.partitions, replicationFactor: now.replicas },
      });
      return;
    case 'addPartitions':
      cluster.run('addPartitions', { params: { topic: `topic-${now.topic}` }, body: { count: now.count } });
      return;
    case 'delete':
      cluster.run('deleteTopic', { params: { topic: `topic-${now.topic}` } });
      return;
    case 'configure':
      configure(cluster, now);
      return;
    case 'alter':
      alter(cluster, now.partition, now.keep);
      return;
    case 'reassign':
      reassign(cluster, now.partition, now.target);
      return;
    case 'cancel':
      reassign(cluster, now.partition, null);
      return;
    case 'openSession':
      cluster.run('openSession', {});
      return;
    case 'answer':
    case 'headerAnswer':
      recordAnswer(cluster, now);
      return;
    case 'closeSession': {
      const rows = [...image.session.sessions.values()];
      cluster.run('closeSession', { params: { sessionId: rows[now.session % rows.length]?.sessionId ?? 0 } });
      return;
    }
    case 'createToken': {
      const { token, name, broker: brokerId } = now;
      const secretHash = Buffer.alloc(32, token).toString('hex');
      cluster.run('createToken', { body: { name: `name-${name}`, role: 'broker', brokerId, secretHash } });
      return;
    }
    case 'takeProducerIds': {
      const brokerEpoch = cluster.image.broker.brokers.get(now.broker)?.brokerEpoch ?? 0;
      cluster.run('allocateProducerIds', { body: { brokerId: now.broker, brokerEpoch } });
      return;
    }
    case 'revokeToken':
      cluster.run('revokeToken', { params: { tokenId: tokenIdOf(Buffer.alloc(32, now.token)) } });
      return;
    case 'join':
      cluster.run('joinGroup', {
        params: { group: `group-${now.group}` },
        body: { memberId: incarnationId(now.member), metadata: `says ${now.metadata}` },
      });
      return;
    case 'leave':
      leave(cluster, now);
      return;
    case 'expireMembers':
      expireMembers(cluster, now.members);
      return;
    case 'time':
      cluster.timestampMs += now.ms;
      cluster.goOn(expireSessions);
      return;
    case 'pause':
      cluster.isPaused = true;
      return;
    case 'step':
      cluster.step();
      return;
    case 'failOver':
      cluster.isPaused = false;
      cluster.failOver();
  }
}

function directoriesOf(id: number, bits: number): Uuid[] {
  return [0, 1, 2]
    .filter((bit) => ((bits >> bit) & 1) === 1)
    .map((bit) => incarnationId(1_000 + id * 10 + bit));
}

/** A broker says where a replica of some partition is, whether it has one or not. */
function assign(cluster: TestCluster, now: Extract<Event, { kind: 'assign' }>): void {
  const rows = allPartitions(cluster.image);
  const row = rows[now.partition % rows.length];
  if (row === undefined) return;
  const brokerEpoch = cluster.image.broker.brokers.get(now.broker)?.brokerEpoch ?? 0;
  const [directoryId] = directoriesOf(now.broker, 1 << now.directory);
  const partitions = [{ topicId: row.topicId, partition: row.partitionId }];
  const body = { brokerId: now.broker, brokerEpoch, directories: [{ directoryId, partitions }] };
  cluster.run('assignReplicasToDirs', { body });
}

function leave(cluster: TestCluster, now: Extract<Event, { kind: 'leave' }>): void {
  const params = { group: `group-${now.group}`, memberId: incarnationId(now.member) };
  const memberEpoch = cluster.image.group.members.get(params)?.memberEpoch ?? 0;
  cluster.run('leaveGroup', { params, body: { memberEpoch } });
}

/** In all groups. */
function expireMembers(cluster: TestCluster, members: readonly number[]): void {
  const ids = members.map((member) => incarnationId(member));
  const silent = [...cluster.image.group.members.values()].filter(({ memberId }) => ids.includes(memberId));
  for (const { memberEpoch } of silent) cluster.liveMembers.delete(memberEpoch);
  cluster.goOn(expireGroupMembers(silent));
}

/** Of a topic, of all brokers, or of one; a value of 0 takes the config away. */
function configure(cluster: TestCluster, now: Extract<Event, { kind: 'configure' }>): void {
  const { topic: number, config, value } = now;
  const resource =
    number >= 0
      ? { resourceType: 'topic', resourceName: `topic-${number}` }
      : { resourceType: 'broker', resourceName: number === -1 ? 'default' : '1' };
  const name = config > 2 ? 'min.insync.replicas' : `user.config-${config}`;
  const change = value === 0 ? { operation: 'delete' } : { operation: 'set', value: String(value) };
  cluster.run('alterConfig', { params: resource, body: { changes: [{ name, ...change }] } });
}

/** The leader of some partition proposes an ISR: those of its replicas that `keep` has a bit for. */
function alter(cluster: TestCluster, partition: number, keep: number): void {
  const { image } = cluster;
  const rows = allPartitions(image);
  const row = rows[partition % rows.length];
  if (row === undefined) return;
  const epochOf = (id: number): number => image.broker.brokers.get(id)?.brokerEpoch ?? 0;
  const members = row.replicas.filter((id, at) => id === row.leader || ((keep >> at) & 1) === 1);
  cluster.run('alterPartition', {
    body: {
      brokerId: Math.max(0, row.leader),
      brokerEpoch: epochOf(row.leader),
      partitions: [
        {
          topicId: row.topicId,
          partition: row.partitionId,
          leaderEpoch: row.leaderEpoch,
          partitionEpoch: row.partitionEpoch,
          newIsr: members.map((id) => ({ brokerId: id, brokerEpoch: epochOf(id) })),
        },
      ],
    },
  });
}

/** Some partition is to have these replicas, or goes back to those that it had. */
function reassign(cluster: TestCluster, partition: number, replicas: readonly number[] | null): void {
  const { image } = cluster;
  const rows = allPartitions(image);
  const row = rows[partition % rows.length];
  if (row === undefined) return;
  const topic = image.topic.topics.get(row.topicId)?.name ?? '';
  cluster.run('alterPartitionReassignments', {
    body: { partitions: [{ topic, partition: row.partitionId, replicas }] },
  });
}

function recordAnswer(cluster: TestCluster, now: Extract<Event, { kind: 'answer' | 'headerAnswer' }>): void {
  const { image, principal } = cluster;
  const rows = [...image.session.sessions.values()];
  const key =
    now.kind === 'headerAnswer'
      ? { headerKey: `key-${now.key}` }
      : {
          sessionId: rows[now.session % rows.length]?.sessionId ?? 0,
          sequence: now.sequence,
          forgetBelow: now.forget,
        };
  if (lookupAnswer(image, key, hash, principal).kind !== 'execute') return;
  cluster.append([answerRecord(key, principal, hash, null, Uint8Array.of(9))]);
}
