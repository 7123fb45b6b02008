import { describe, expect, it } from 'vitest';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { Schedule } from '../../simulator/faults/schedule.ts';
import { nodeHost } from '../../simulator/hosts/node/node-host.ts';
import { runSchedule } from '../../simulator/run.ts';
import type { ReplicaPlant } from '../../simulator/workload/brokers/replica-shell.ts';

/** A seed's schedule with model brokers, cut to its first seconds to keep the test short. */
function withBrokers(seed: number, durationUs: number): Schedule {
  const schedule = generateSchedule(seed, 'brokers');
  return { ...schedule, config: { ...schedule.config, durationUs } };
}

const seedsMax = 15;

/** The first property that a planted bug breaks, and the seed that shows it; null from `firstSeed` on. */
function hunt(
  plantInReplica: ReplicaPlant,
  firstSeed: number,
): { readonly property: string; readonly seed: number } | null {
  for (let seed = firstSeed; seed < firstSeed + seedsMax; seed++) {
    const { violation } = runSchedule({
      schedule: withBrokers(seed, 10_000_000),
      host: nodeHost,
      plantInReplica,
    });
    if (violation !== null) {
      return { property: 'property' in violation ? String(violation.property) : violation.name, seed };
    }
  }
  return null;
}

/** Followers claim to have on disk whatever they have. */
const acknowledgesUnflushed: ReplicaPlant = (effect) => {
  if (effect.type !== 'sendFetch') return [effect];
  return [{ ...effect, request: { ...effect.request, flushedOffset: effect.request.fetchOffset } }];
};

/** Kafka's acks=1 passed off as acks=all. */
const acknowledgesAtAppend: ReplicaPlant = (effect) => {
  if (effect.type !== 'append' || effect.produceId === null) return [effect];
  return [effect, { type: 'completeProduce', produceId: effect.produceId, baseOffset: effect.baseOffset }];
};

/** As before KIP-101: what follows the high watermark is cut off when another leads. */
const truncatesToHighWatermark: ReplicaPlant = (effect, replica) => {
  if (effect.type !== 'truncate') return [effect];
  return [{ ...effect, to: Math.min(effect.to, Math.max(0, replica.highWatermark - 1)) }];
};

describe('model brokers in the simulator', () => {
  it('keep every record that was acknowledged, over a fixed list of seeds', () => {
    let acknowledged = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const report = runSchedule({ schedule: withBrokers(seed, 10_000_000), host: nodeHost });
      expect(report.violation?.message ?? null, `seed ${seed}`).toBeNull();
      acknowledged += report.brokers.acknowledged;
    }
    expect(acknowledged).toBeGreaterThan(100);
  });

  it('do exactly the same again for the same seed', () => {
    const [first, second] = [1, 2].map(() =>
      runSchedule({ schedule: withBrokers(4, 6_000_000), host: nodeHost }),
    );
    expect(second?.digest).toBe(first?.digest);
  });

  it.each<readonly [string, ReplicaPlant, number, readonly string[]]>([
    [
      'followers acknowledge before they have flushed',
      acknowledgesUnflushed,
      1,
      ['ReplicationQuorumSuperset', 'MinIsrRecoveryQuorum', 'LeaderCandidateCompleteness'],
    ],
    [
      'leaders acknowledge what they have appended',
      acknowledgesAtAppend,
      1,
      ['ReplicationQuorumSuperset', 'MinIsrRecoveryQuorum'],
    ],
    [
      'followers cut their logs to their high watermarks',
      truncatesToHighWatermark,
      50,
      ['NoCommittedRecordLostGlobally', 'LeaderCandidateCompleteness'],
    ],
  ])('are caught when %s', (_name, plant, firstSeed, properties) => {
    const found = hunt(plant, firstSeed);
    expect(properties).toContain(found?.property);
  });
});
