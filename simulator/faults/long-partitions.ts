import type { HashedChance } from '../../src/testing/world/chance.ts';
import type { Fault } from './fault.ts';
import type { RunConfig, Schedule } from './schedule.ts';
import { chanceOf, chanceOfWorkload } from './salts.ts';

/** One run in so many has nothing but long partitions: a swarm of faults hardly ever leaves room for one. */
const oneRunIn = 16;

export function withLongPartitions(schedule: Schedule): Schedule {
  const chance = chanceOf(schedule.seed, 'longPartitions');
  const isChosen = schedule.config.budget === 'minority damaged' && chance.oneIn(oneRunIn);
  return isChosen ? partitioned(schedule, chance) : schedule;
}

/** Long partitions in every run, more of them, and on links that lose nothing: whatever happens, they did it. */
export function longPartitionsAlone(schedule: Schedule): Schedule {
  const chance = chanceOfWorkload(schedule.seed, 'longPartitions');
  const { link } = schedule.config;
  const config = {
    ...schedule.config,
    budget: 'minority damaged',
    link: { ...link, lossPerMille: 0 },
  } as const;
  return partitioned({ ...schedule, config }, chance, 4);
}

/** A partition this long, in fetch timeouts and a fixed time for disks and distances, leaves time to go on. */
export function longPartitionUs(config: RunConfig): number {
  return 8 * config.raft.fetchTimeoutMs * 1000 + 3_000_000;
}

function partitioned(schedule: Schedule, chance: HashedChance, partitions = 2): Schedule {
  const forUs = longPartitionUs(schedule.config);
  const faults: Fault[] = [];
  let atUs = 2_000_000;
  for (let count = 0; count < partitions; count++) {
    faults.push(partition(chance, schedule.config.nodes, atUs, forUs));
    atUs += forUs + 1_000_000 + chance.integer(1_000_000);
  }
  const link = { ...schedule.config.link, lossPerMille: Math.min(schedule.config.link.lossPerMille, 10) };
  // What is judged here is whether the quorum goes on, not how much one that is starved can take. The node
  // that was cut off first may have to fetch a snapshot before the next majority is one: in the smallest chunks,
  // one for each round trip, that alone lasts longer than the partition.
  const raft = {
    ...schedule.config.raft,
    fetchBytesMax: 65_536,
    snapshotChunkBytesMax: 65_536,
    pendingProposalsMax: 1024,
    pendingBytesMax: 1_048_576,
  };
  // On the slowest disks a flush of what some workloads write takes seconds, partition or not.
  const diskSpread = Math.min(schedule.config.diskSpread, 8);
  // One fetch reads from one segment: over a distance small ones alone would leave a node behind for ever.
  const segmentBytes = 262_144;
  const config = { ...schedule.config, link, raft, diskSpread, segmentBytes, durationUs: atUs };
  return { ...schedule, config, faults };
}

function partition(chance: HashedChance, nodes: number, atUs: number, forUs: number): Fault {
  const target = chance.integer(nodes);
  const other = (target + 1 + chance.integer(nodes - 1)) % nodes;
  switch (chance.integer(5)) {
    case 0:
      return { kind: 'cutPair', atUs, from: target, to: other, isOneWay: true, forUs };
    case 1:
      return { kind: 'isolate', atUs, target, direction: 'in', forUs };
    case 2:
      return { kind: 'isolate', atUs, target, direction: 'out', forUs };
    case 3:
      return { kind: 'split', atUs, side: (1 << target) | (nodes > 3 ? 1 << other : 0), forUs };
    default:
      return { kind: 'cutPair', atUs, from: target, to: other, isOneWay: false, forUs };
  }
}
