import type { MetadataImage } from '../../src/metadata/image.ts';
import { compareStrings } from '../../src/base/compare.ts';
import { directoryOf, reservedDirectories } from '../../src/metadata/resources/topic/directories.ts';
import type { DirectoryReplicas } from '../../src/metadata/resources/topic/state.ts';
import { activityOf, standingOf } from '../../src/metadata/resources/broker/activity.ts';
import { membersOf } from '../../src/metadata/resources/group/resource.ts';
import { resourceTypes } from '../../src/metadata/resources/config/records.ts';
import type { PartitionRow } from '../../src/metadata/resources/topic/partition-row.ts';
import {
  brokerPartitions,
  findPartition,
  partitionAt,
  partitionsOf,
  topicByName,
} from '../../src/metadata/resources/topic/state.ts';
import { minIsrOf, topicPolicy } from '../../src/metadata/resources/topic/topic-policy.ts';

export function allPartitions(image: MetadataImage): PartitionRow[] {
  const rows: PartitionRow[] = [];
  for (const topic of image.topic.topics.values()) rows.push(...partitionsOf(image.topic, topic.topicId));
  return rows;
}

function describe(row: PartitionRow): string {
  return JSON.stringify(row);
}

/** What holds of every image, also while fencing is under way. */
export function findViolation(image: MetadataImage): string | null {
  for (const row of allPartitions(image)) {
    if (row.isr.length === 0 && row.leader !== -1) return `a leader of an empty ISR: ${describe(row)}`;
    if (new Set(row.isr).size < row.isr.length) return `a broker twice in an ISR: ${describe(row)}`;
    if (!row.isr.every((broker) => row.replicas.includes(broker)))
      return `ISR beyond replicas: ${describe(row)}`;
    if (row.leader !== -1 && !row.isr.includes(row.leader)) return `leader outside the ISR: ${describe(row)}`;
    const fault = findReassignmentFault(row) ?? findElrFault(image, row);
    if (fault !== null) return `${fault}: ${describe(row)}`;
  }
  return findConfigViolation(image) ?? findGroupViolation(image) ?? findIndexViolation(image);
}

/** Invariants 1 and 3 of the kind: see its README. */
function findReassignmentFault({
  replicas,
  addingReplicas: adding,
  removingReplicas: removing,
  isr,
}: PartitionRow): string | null {
  if (new Set(replicas).size < replicas.length) return 'a replica twice';
  if (![...adding, ...removing].every((broker) => replicas.includes(broker))) return 'a stranger moves';
  if (adding.some((broker) => removing.includes(broker))) return 'a replica is added and removed';
  if (replicas.every((broker) => adding.includes(broker))) return 'there was no replica before';
  if (replicas.every((broker) => removing.includes(broker))) return 'there will be no replica';
  if (adding.length === 0 && removing.length === 0) return null;
  const remaining = isr.filter((broker) => !removing.includes(broker));
  const isThrough = remaining.length > 0 && adding.every((broker) => remaining.includes(broker));
  return isThrough ? 'a reassignment that is through goes on' : null;
}

/** Invariants 1, 2 and 5 of `leadership.ts`. */
function findElrFault(image: MetadataImage, row: PartitionRow): string | null {
  const { isr, eligibleLeaderReplicas: elr, lastKnownElr, replicas } = row;
  const named = [...isr, ...elr, ...lastKnownElr];
  if (new Set(named).size < named.length) return 'a broker twice in ISR, ELR and last known ELR';
  if (!named.every((broker) => replicas.includes(broker))) return 'an ELR beyond the replicas';
  if (elr.length === 0 && lastKnownElr.length === 0) return null;
  const { name } = image.topic.topics.get(row.topicId) ?? { name: '' };
  const minIsr = minIsrOf(topicPolicy(image, name), replicas.length);
  return minIsr !== null && isr.length < minIsr ? null : `an ELR beside an ISR that is not below ${minIsr}`;
}

/** Invariants 1 and 2 of the kind: see its README. */
function findGroupViolation({ group }: MetadataImage): string | null {
  for (const { group: name, leaderId, leaderEpoch, lastModified } of group.groups.values()) {
    const members = [...membersOf(group.members, name)];
    const leader = members.find(({ memberId }) => memberId === leaderId);
    if (leader === undefined)
      return `${name} is led by ${leaderId ?? 'nobody'}, and has ${members.length} members`;
    if (leaderEpoch <= leader.memberEpoch) return `${name} is led since before its leader joined`;
    const last = Math.max(leaderEpoch, ...members.map((member) => member.lastModified));
    if (lastModified < last) return `${name} was modified at ${last}, not at ${lastModified}`;
  }
  const strays = [...group.members.values()].filter((row) => group.groups.get(row.group) === null);
  return strays.length === 0 ? null : `members of no group: ${JSON.stringify(strays)}`;
}

/** What is set of a topic goes with it, and what is set of nothing has no row. */
function findConfigViolation(image: MetadataImage): string | null {
  for (const { resourceType, resourceName, configs } of image.config.resources.values()) {
    const what = `configs of ${resourceType}/${resourceName}`;
    if (configs.length === 0) return `a row without ${what}`;
    if (resourceType === resourceTypes.topic && topicByName(image.topic, resourceName) === null) {
      return `${what}, a topic that is not there`;
    }
    const names = configs.map(({ name }) => name);
    if (names.join() !== [...new Set(names)].sort().join()) return `${what} out of order: ${names.join()}`;
  }
  return null;
}

/** What holds once all fencing is done. */
export function findSettledViolation(image: MetadataImage): string | null {
  const isActive = activityOf(image);
  for (const { brokerId } of image.broker.uncleanShutdowns.values()) {
    const { isrCount, elrCount } = brokerPartitions(image.topic, brokerId);
    if (isrCount + elrCount > 0) return `broker ${brokerId} has not left all ISRs and ELRs`;
  }
  const { directories } = standingOf(image);
  for (const row of allPartitions(image)) {
    const promised = [...row.isr, ...row.eligibleLeaderReplicas];
    const lost = promised.find((broker) => directories.isLost(broker, directoryOf(row, broker)));
    if (lost !== undefined) return `broker ${lost} is in sync and has lost its directory: ${describe(row)}`;
    const inactive = row.isr.filter((broker) => !isActive(broker));
    const isLastMember = row.isr.length === 1 && row.leader === -1;
    if (inactive.length > 0 && !isLastMember) return `an inactive broker in an ISR: ${describe(row)}`;
    if (row.leader !== -1 && !isActive(row.leader)) return `an inactive leader: ${describe(row)}`;
    if (row.leader === -1 && row.isr.length > 0 && inactive.length === 0)
      return `leaderless with an active ISR: ${describe(row)}`;
    if (row.leader === -1 && row.eligibleLeaderReplicas.some(isActive))
      return `leaderless with an active ELR: ${describe(row)}`;
  }
  return findViolation(image);
}

type Counts = {
  replicas: number;
  leaders: number;
  isr: number;
  orphans: number;
  elr: number;
  directories: Map<string, DirectoryReplicas>;
};

function countDirectories(row: PartitionRow, of: (broker: number) => Counts): void {
  for (const [at, broker] of row.replicas.entries()) {
    const directory = row.directories[at] ?? reservedDirectories.migrating;
    if (directory === reservedDirectories.migrating) continue;
    const counts = of(broker).directories;
    const known = counts.get(directory) ?? { replicaCount: 0, inSyncCount: 0 };
    const isInSync = row.isr.includes(broker) || row.eligibleLeaderReplicas.includes(broker);
    counts.set(directory, {
      replicaCount: known.replicaCount + 1,
      inSyncCount: known.inSyncCount + (isInSync ? 1 : 0),
    });
  }
}

function isSameMap<Value>(left: ReadonlyMap<string, Value>, right: ReadonlyMap<string, Value>): boolean {
  const entries = (map: ReadonlyMap<string, Value>): string =>
    JSON.stringify([...map].sort(([a], [b]) => compareStrings(a, b)));
  return entries(left) === entries(right);
}

/** Every index against a scan of the rows. */
export function findIndexViolation(image: MetadataImage): string | null {
  const { topic } = image;
  const counts = new Map<number, Counts>();
  const of = (broker: number): Counts => {
    const none = { replicas: 0, leaders: 0, isr: 0, orphans: 0, elr: 0 };
    const known = counts.get(broker) ?? { ...none, directories: new Map<string, DirectoryReplicas>() };
    counts.set(broker, known);
    return known;
  };
  let leaderless = 0;
  let withElr = 0;
  let rows = 0;
  for (const row of allPartitions(image)) {
    rows++;
    for (const broker of row.replicas) of(broker).replicas++;
    for (const broker of row.isr) of(broker).isr++;
    for (const broker of row.eligibleLeaderReplicas) of(broker).elr++;
    countDirectories(row, of);
    if (row.leader === -1) for (const broker of row.isr) of(broker).orphans++;
    if (row.eligibleLeaderReplicas.length + row.lastKnownElr.length > 0) withElr++;
    if (row.leader === -1) leaderless++;
    else of(row.leader).leaders++;
  }
  if (topic.partitions.size !== rows)
    return `${topic.partitions.size} partitions stored, ${rows} reached by topics`;
  if (topic.leaderless.size !== leaderless)
    return `${topic.leaderless.size} leaderless indexed, ${leaderless} there`;
  const reassigning = allPartitions(image).filter(
    (row) => row.addingReplicas.length > 0 || row.removingReplicas.length > 0,
  );
  if (topic.reassigning.size !== reassigning.length)
    return `${topic.reassigning.size} reassignments indexed, ${reassigning.length} there`;
  for (const slot of topic.reassigning.valuesFrom(0)) {
    const row = partitionAt(topic, slot);
    if (row.addingReplicas.length === 0 && row.removingReplicas.length === 0)
      return `slot ${slot} is indexed as reassigning`;
  }
  if (topic.withElr.size !== withElr) return `${topic.withElr.size} ELRs indexed, ${withElr} there`;
  for (const slot of topic.withElr.valuesFrom(0)) {
    const { eligibleLeaderReplicas, lastKnownElr } = partitionAt(topic, slot);
    if (eligibleLeaderReplicas.length + lastKnownElr.length === 0)
      return `slot ${slot} is indexed as having an ELR`;
  }
  for (const slot of topic.leaderless.valuesFrom(0)) {
    if (partitionAt(topic, slot).leader !== -1) return `slot ${slot} is indexed as leaderless`;
  }
  if ([...topic.brokers.keys()].length !== counts.size) return 'the index has brokers without partitions';
  for (const [broker, entry] of topic.brokers.entries()) {
    const found = of(broker);
    const same =
      entry.replicas.size === found.replicas &&
      entry.leaderCount === found.leaders &&
      entry.isrCount === found.isr &&
      entry.leaderlessIsrCount === found.orphans &&
      entry.elrCount === found.elr &&
      isSameMap(entry.directories, found.directories);
    if (!same)
      return `broker ${broker} is indexed ${JSON.stringify(entry)} and counted ${JSON.stringify(found)}`;
    for (const slot of entry.replicas.valuesFrom(0)) {
      if (!partitionAt(topic, slot).replicas.includes(broker)) return `slot ${slot} is indexed at ${broker}`;
    }
  }
  for (const [name, slot] of topic.byName.entries()) {
    const row = topic.topics.rows.get(slot);
    if (row?.name !== name) return `the name ${name} leads nowhere`;
    if (topic.topics.slotOf(row.topicId) !== slot) return `the id of ${name} leads elsewhere`;
  }
  return topic.byName.size === topic.topics.size ? null : 'a topic has no name';
}

/** How a partition may change from one image to a later one. */
export function findEpochViolation(before: MetadataImage, after: MetadataImage): string | null {
  for (const row of allPartitions(before)) {
    const now = findPartition(after.topic, row.topicId, row.partitionId);
    if (now === null) continue;
    const change = `${describe(row)} became ${describe(now)}`;
    if (now.leaderEpoch < row.leaderEpoch) return `the leader epoch fell: ${change}`;
    if (now.partitionEpoch < row.partitionEpoch) return `the partition epoch fell: ${change}`;
    if (now.leader !== row.leader && now.leaderEpoch === row.leaderEpoch)
      return `no new leader epoch: ${change}`;
    const isChanged = now.isr.join() !== row.isr.join() || now.leader !== row.leader;
    if (isChanged && now.partitionEpoch === row.partitionEpoch) return `no new partition epoch: ${change}`;
    if (isChanged && now.lastModified <= row.lastModified) return `lastModified did not grow: ${change}`;
  }
  return null;
}
