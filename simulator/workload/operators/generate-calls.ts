import { uuidFromBytes } from '../../../src/base/uuid.ts';
import { tokenIdOf } from '../../../src/metadata/resources/token/identity.ts';
import type { HashedChance } from '../../../src/testing/world/chance.ts';
import type { RunConfig } from '../../faults/schedule.ts';
import { firstModelBroker } from '../brokers/broker-plan.ts';
import { newerFeatures } from '../../releases.ts';
import { conditionalWrites } from './condition.ts';
import type { PlannedCall } from './planned-call.ts';
import { chanceOfCall } from '../../faults/salts.ts';

type Content = Pick<PlannedCall, 'operationId' | 'params' | 'body' | 'isWrite'>;
type Template = (chance: HashedChance, number: number) => Content;

const gapsUs = [50_000, 200_000, 400_000, 1_000_000];
/** Closer together, so that a session has several calls outstanding. */
const wantedGapsUs = [30_000, 60_000, 200_000, 400_000];
/** From here on an answer takes so long that nobody gives up earlier than after a second. */
const farUs = 10_000;
const topicsMax = 6;
/** Of the workload's own; the register workload has the low numbers, model brokers those from 2000 on. */
const firstBroker = 500;
const brokersMax = 4;
const secretsMax = 6;
const membersMax = 3;
/** Partitions of a large topic, beyond ten. */
const largeMax = 90;

/** Writes, each with how often it is drawn where a seed has it turned on. */
const writes: readonly (readonly [weight: number, template: Template])[] = [
  [6, createTopic],
  [3, (chance) => write('deleteTopic', { topic: topicName(chance) })],
  [
    3,
    (chance) =>
      write(
        'addPartitions',
        { topic: topicName(chance) },
        { count: 1 + chance.integer(chance.oneIn(4) ? largeMax : 8) },
      ),
  ],
  [4, reassign],
  [4, executeTransaction],
  [3, registerBroker],
  [2, (chance) => write('unregisterBroker', { brokerId: firstBroker + chance.integer(brokersMax) })],
  [1, (chance) => write('fenceBroker', { brokerId: firstBroker + chance.integer(brokersMax) })],
  [1, (chance) => write('unfenceBroker', { brokerId: firstBroker + chance.integer(brokersMax) })],
  [1, (chance) => write('cordonBroker', { brokerId: firstBroker + chance.integer(brokersMax) })],
  [2, (chance) => write('uncordonBroker', { brokerId: firstBroker + chance.integer(brokersMax) })],
  [2, (chance) => write('drainBroker', { brokerId: firstBroker + chance.integer(brokersMax) })],
  [1, updateFeature],
  [2, electLeaders],
  [3, alterConfig],
  [1, registerController],
  [1, (chance) => write('unregisterController', { controllerId: firstBroker + chance.integer(brokersMax) })],
  [1, () => write('closeOwnSession')],
  [3, createToken],
  [2, joinGroup],
  [
    1,
    (chance) =>
      write('leaveGroup', { group: groupName(chance), memberId: incarnationOf(chance.integer(membersMax)) }),
  ],
  [2, (chance) => write('revokeToken', { tokenId: tokenIdOf(secretHash(chance)) })],
];

const reads: readonly Template[] = [
  () => read('listTopics'),
  (chance) => read('describeTopic', { topic: topicName(chance) }),
  (chance) => read('describePartition', { topic: topicName(chance), partition: chance.integer(4) }),
  () => read('listPartitionReassignments'),
  () => read('listBrokers'),
  (chance) => read('describeBroker', { brokerId: firstBroker + chance.integer(brokersMax) }),
  () => read('listSessions'),
  () => read('describeFeatures'),
  () => read('listConfigs'),
  (chance) => read('describeConfig', configResource(chance)),
  () => read('listControllers'),
  (chance) => read('describeController', { controllerId: firstBroker + chance.integer(brokersMax) }),
  () => read('describeIdempotency'),
  () => read('listTokens'),
  () => read('listGroups'),
  (chance) => read('describeGroup', { group: groupName(chance) }),
  (chance) => read('listGroupMembers', { group: groupName(chance) }),
  (chance) => read('describeToken', { tokenId: tokenIdOf(secretHash(chance)) }),
  () => read('describeOwnSession'),
  () => read('listConfigDefinitions'),
  () => read('describeProducerIds'),
  (chance) => read('listPartitions', { topic: topicName(chance) }),
  (chance) => read('listBrokerPartitions', { brokerId: firstBroker + chance.integer(brokersMax) }),
];

/** Up to this mean time between two calls. */
const denseGapUs = 50_000;

/** Whether a seed of no particular workload has dense calls. */
export function areCallsDense(chance: HashedChance): boolean {
  const drawn = drawCalls(chance, false);
  return drawn !== null && drawn.meanGapUs <= denseGapUs;
}

/** Null where a seed has no calls. */
function drawCalls(
  chance: HashedChance,
  isWanted: boolean,
): { readonly enabled: typeof writes; readonly meanGapUs: number } | null {
  if (!chance.oneIn(5) && !isWanted) return null;
  const enabled = writes.filter(() => !chance.oneIn(3));
  return { enabled, meanGapUs: chance.pick(isWanted ? wantedGapsUs : gapsUs) };
}

/**
 * What operators and programs ask of the whole controller in one run. Each seed has a random subset of the
 * writes, with a random intensity, and four seeds in five have none, for the sake of speed, unless operators
 * are what is wanted.
 */
export function generateCalls(
  chance: HashedChance,
  config: RunConfig,
  isWanted: boolean,
): readonly PlannedCall[] {
  const drawn = drawCalls(chance, isWanted);
  if (drawn === null) return [];
  const { enabled, meanGapUs } = drawn;
  const clients = chance.pick([1, 2, 4]);
  const readsOfTen = chance.pick([2, 5, 7]);
  // An impatient client is told that it cannot be known what became of its call, and then it becomes something.
  const nearMs = isWanted ? [5, 20, 100, 1000] : [100, 300, 1000];
  const timeoutMs = chance.pick(config.link.delayUs < farUs ? nearMs : [1000]);
  const calls: PlannedCall[] = [];
  for (let atUs = 200_000; ; ) {
    atUs += 1 + chance.integer(2 * meanGapUs);
    if (atUs >= config.durationUs) return calls;
    const isRead = enabled.length === 0 || chance.integer(10) < readsOfTen;
    const template = isRead ? reads[chance.integer(reads.length)] : pick(chance, enabled);
    if (template === undefined) continue;
    const consistency = isRead && chance.oneIn(2) ? 'stale' : 'linearizable';
    calls.push({
      ...template(chance, calls.length),
      atUs,
      client: chance.integer(clients),
      keyed: !isRead && !chance.oneIn(4),
      consistency,
      isAfterOwn: chance.oneIn(2),
      timeoutMs,
    });
  }
}

/**
 * Half of the writes that can be made on a condition are: see `isConditional`. One write in twelve is only
 * validated, and so needs no key.
 */
export function withConditions(calls: readonly PlannedCall[], seed: number): readonly PlannedCall[] {
  return calls.map((call, at) => {
    const isConditional =
      conditionalWrites.has(call.operationId) && chanceOfCall(seed, 'condition', at).oneIn(2);
    const conditional = isConditional ? { ...call, isConditional } : call;
    const isValidation = call.isWrite && !isOfItsOwn(call) && chanceOfCall(seed, 'validation', at).oneIn(12);
    return isValidation ? { ...conditional, isValidation, keyed: false } : conditional;
  });
}

/** One write under a key in five is under a bare one. */
export function withBareKeys(calls: readonly PlannedCall[], seed: number): readonly PlannedCall[] {
  return calls.map((call, at) => {
    const hasBareKey = call.keyed && !isOfItsOwn(call) && chanceOfCall(seed, 'bareKey', at).oneIn(5);
    return hasBareKey ? { ...call, hasBareKey } : call;
  });
}

/** How many answers ago a read of the past looks back to. */
const answersAgoMax = 12;

/** One read in six is of the past; of those, one in four at an offset that nobody was told of. */
export function withPast(calls: readonly PlannedCall[], seed: number): readonly PlannedCall[] {
  return calls.map((call, at) => {
    const chance = chanceOfCall(seed, 'past', at);
    if (call.isWrite || !chance.oneIn(6)) return call;
    const answersAgo = chance.integer(answersAgoMax);
    const recordsBefore = chance.oneIn(4) ? 1 + chance.integer(20) : 0;
    return { ...call, past: { answersAgo, recordsBefore } };
  });
}

/** The voters have low ids, and an operator may name one that is none. */
const successorsMax = 6;

/**
 * One write in fifteen moves leadership instead. It is nobody's to repeat: the core carries it out, and remembers
 * it under no key.
 */
export function withTransfers(calls: readonly PlannedCall[], seed: number): readonly PlannedCall[] {
  return calls.map((call, at) => {
    const chance = chanceOfCall(seed, 'transfer', at);
    if (!call.isWrite || isOfItsOwn(call) || !chance.oneIn(15)) return call;
    const body = chance.oneIn(2) ? {} : { preferredSuccessor: chance.integer(successorsMax) };
    return { ...call, ...write('transferLeadership', {}, body), keyed: false };
  });
}

/** What its client makes of it depends on what it does. */
function isOfItsOwn({ operationId }: PlannedCall): boolean {
  return operationId === 'closeOwnSession';
}

function pick(chance: HashedChance, enabled: typeof writes): Template | undefined {
  let left = chance.integer(enabled.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, template] of enabled) {
    left -= weight;
    if (left < 0) return template;
  }
  return undefined;
}

function topicName(chance: HashedChance): string {
  return `topic-${chance.integer(topicsMax)}`;
}

function createTopic(chance: HashedChance, number: number): Content {
  // Some names are used once, so that what a call without a key has done can be told from another's.
  const name = chance.oneIn(3) ? `once-${number}` : topicName(chance);
  // A large one is many batches of a transaction, where a step has few records.
  const partitions = chance.oneIn(4) ? 10 + chance.integer(largeMax) : 1 + chance.integer(4);
  const size = chance.oneIn(3) ? { partitions, replicationFactor: 1 + chance.integer(3) } : { partitions };
  return write('createTopic', {}, { name, ...size });
}

/** In whatever order; a part that is refused, as often one is, refuses the others. */
function executeTransaction(chance: HashedChance, number: number): Content {
  const created = createTopic(chance, number);
  const deleted = topicName(chance);
  const grown = chance.oneIn(2) ? created.body['name'] : topicName(chance);
  const all = [
    { operationId: 'createTopic', body: created.body },
    { operationId: 'deleteTopic', params: { topic: deleted } },
    { operationId: 'addPartitions', params: { topic: grown }, body: { count: 2 + chance.integer(largeMax) } },
  ];
  const first = chance.integer(all.length);
  const operations = [...all.slice(first), ...all.slice(0, first)].slice(0, 1 + chance.integer(all.length));
  return write('executeTransaction', {}, { operations });
}

/** Few partitions, of which some are cancelled; to model brokers, where there are any, or to fenced ones. */
function reassign(chance: HashedChance): Content {
  const partitions = Array.from({ length: 1 + chance.integer(2) }, () => {
    const base = chance.oneIn(4) ? firstBroker : firstModelBroker;
    const first = chance.integer(brokersMax);
    const places = [0, 1, 2].slice(chance.integer(3));
    const replicas = places.map((at) => base + ((first + at) % brokersMax));
    const topic = topicName(chance);
    return { topic, partition: chance.integer(3), replicas: chance.oneIn(4) ? null : replicas };
  });
  return write('alterPartitionReassignments', {}, { partitions });
}

function registerBroker(chance: HashedChance, number: number): Content {
  const listener = { name: 'PLAINTEXT', host: 'broker', port: 9092 };
  // Two listeners of one name are refused, as a request that can never be carried out.
  const listeners = chance.oneIn(3) ? [listener, listener] : [listener];
  const brokerId = firstBroker + chance.integer(brokersMax);
  const features = newerFeatures;
  return write('registerBroker', {}, { brokerId, incarnationId: incarnationOf(number), listeners, features });
}

function registerController(chance: HashedChance, number: number): Content {
  const listeners = [{ name: 'CONTROLLER', host: 'controller', port: 9645 }];
  const features = newerFeatures;
  const controllerId = firstBroker + chance.integer(brokersMax);
  const incarnationId = incarnationOf(number);
  return write('registerController', {}, { controllerId, incarnationId, listeners, features });
}

/** Of one partition that may not be there, or of all. */
function electLeaders(chance: HashedChance): Content {
  const electionType = chance.oneIn(3) ? 'unclean' : 'preferred';
  const partitions = [{ topic: topicName(chance), partition: chance.integer(4) }];
  return write('electLeaders', {}, chance.oneIn(2) ? { electionType } : { electionType, partitions });
}

function updateFeature(chance: HashedChance): Content {
  const feature = chance.oneIn(3) ? 'no.such.feature' : 'metadata.version';
  const featureLevel = chance.integer(3);
  const upgradeType = (['upgrade', 'safeDowngrade', 'unsafeDowngrade'] as const)[chance.integer(3)];
  return write(
    'updateFeature',
    { feature },
    chance.oneIn(2) ? { featureLevel } : { featureLevel, upgradeType },
  );
}

/** Few secrets, so that tokens are made, found, revoked and made again; their names now and then conflict. */
function createToken(chance: HashedChance): Content {
  const name = `token-${chance.integer(3)}`;
  const role = chance.oneIn(4) ? { role: 'broker', brokerId: firstBroker } : { role: 'operator' };
  const lifetime = chance.oneIn(3) ? { lifetimeMs: 1_000 } : {};
  const hash = Buffer.from(secretHash(chance)).toString('hex');
  return write('createToken', {}, { name, ...role, secretHash: hash, ...lifetime });
}

/** Few members, whom several clients take for theirs, and who are soon silent: nobody beats for them. */
function joinGroup(chance: HashedChance, number: number): Content {
  const memberId = incarnationOf(chance.integer(membersMax));
  const body = { memberId, sessionTimeoutMs: 1_000, metadata: `says ${number % 3}` };
  return write('joinGroup', { group: groupName(chance) }, body);
}

/** Not those of the model members. */
function groupName(chance: HashedChance): string {
  return `jobs-${chance.integer(2)}`;
}

function secretHash(chance: HashedChance): Uint8Array {
  return new Uint8Array(32).fill(1 + chance.integer(secretsMax));
}

function configResource(chance: HashedChance): Content['params'] {
  return chance.oneIn(3)
    ? { resourceType: 'broker', resourceName: 'default' }
    : { resourceType: 'topic', resourceName: topicName(chance) };
}

/** Not every one is a config of every resource, and not every value one of each. */
const configNames = ['cleanup.policy', 'user.own', 'user.other'];
const configChanges = [
  { operation: 'set', value: 'compact' },
  { operation: 'set', value: 'compact,delete' },
  { operation: 'append', value: 'compact' },
  { operation: 'subtract', value: 'delete' },
  { operation: 'delete' },
];

function alterConfig(chance: HashedChance): Content {
  const name = configNames[chance.integer(configNames.length)];
  const change = configChanges[chance.integer(configChanges.length)];
  return write('alterConfig', configResource(chance), { changes: [{ name, ...change }] });
}

function incarnationOf(number: number): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, number);
  bytes[15] = 2;
  return uuidFromBytes(bytes);
}

function write(operationId: string, params: Content['params'] = {}, body: Content['body'] = {}): Content {
  return { operationId, params, body, isWrite: true };
}

function read(operationId: string, params: Content['params'] = {}): Content {
  return { operationId, params, body: {}, isWrite: false };
}
