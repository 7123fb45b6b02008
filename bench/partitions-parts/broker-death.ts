import { setTimeout as pause } from 'node:timers/promises';
import { brokersOf, type Brokers, type BrokerView } from '../processes/brokers.ts';
import type { Controller } from '../processes/controller.ts';
import { listField, numberField } from '../processes/http.ts';
import type { Quorum } from '../processes/quorum.ts';
import type { ReportRow } from '../report.ts';
import { summarise } from '../support/statistics.ts';
import { readProcess } from './meter.ts';
import { createTopics, deleteTopics, topicSizes } from './topics.ts';

const pollMs = 5;
export const victimId = 1;
/** At most as many are read back from each topic after a trial. */
const sampleMax = 1_000;

export type BrokerDeathOptions = {
  /** Partitions that the broker leads. */
  readonly partitions: number;
  readonly perTopic: number;
  readonly trials: number;
};

/**
 * From `kill -9` of a broker, and from its fence, until others lead all that it has led. The fence is taken from when
 * a reader sees it, at most a poll after it was committed.
 */
export async function measureBrokerDeath(
  quorum: Quorum,
  brokers: Brokers,
  { partitions, perTopic, trials }: BrokerDeathOptions,
): Promise<readonly ReportRow[]> {
  const { leader } = await quorum.waitForLeader();
  const sizes = topicSizes(partitions, perTopic);
  const fromKillMs: number[] = [];
  const fromFenceMs: number[] = [];
  const stallsMs: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const prefix = `led-by-one-${partitions}-${trial}`;
    await createTopics(leader, prefix, sizes, [victimId, 2, 3]);
    await readProcess(leader);
    const killedMs = performance.now();
    brokers.broker(victimId).child.signal('SIGKILL');
    const fencedMs = await untilVictim(leader, ({ isFenced }) => isFenced);
    const ledMs = await untilVictim(leader, ({ leaderCount }) => leaderCount === 0);
    stallsMs.push((await readProcess(leader)).longestStallMs);
    fromKillMs.push(ledMs - killedMs);
    fromFenceMs.push(ledMs - fencedMs);
    await checkAllLed(leader, prefix, sizes);
    await brokers.broker(victimId).child.ended;
    await deleteTopics(leader, prefix, sizes.length);
    await brokers.broker(victimId).start();
    await brokers.waitUntilUnfenced(quorum);
    const [fromKill, fromFence] = [ledMs - killedMs, ledMs - fencedMs].map(Math.round);
    console.log(
      `${partitions} partitions, trial ${trial + 1}: ${fromKill} ms from the kill, ${fromFence} ms from the fence`,
    );
  }
  const cluster = await leader.ask('GET', '/v1/cluster');
  const sessionTimeoutMs = numberField(cluster.body, 'brokerSessionTimeoutMs');
  const longestStallMs = Math.round(Math.max(...stallsMs));
  return [
    {
      measure: 'SIGKILL of a broker → all led again',
      partitions,
      ...summarise(fromKillMs),
      sessionTimeoutMs,
      longestStallMs,
    },
    {
      measure: 'its fence → all led again',
      partitions,
      ...summarise(fromFenceMs),
      sessionTimeoutMs,
      longestStallMs,
    },
  ];
}

/** When a reader saw it first. */
export async function untilVictim(leader: Controller, is: (view: BrokerView) => boolean): Promise<number> {
  for (;;) {
    const victim = (await brokersOf(leader, 30_000))?.find(({ brokerId }) => brokerId === victimId);
    if (victim !== undefined && is(victim)) return performance.now();
    await pause(pollMs);
  }
}

export async function checkAllLed(
  leader: Controller,
  prefix: string,
  sizes: readonly number[],
): Promise<void> {
  for (const [at, size] of sizes.entries()) {
    const answer = await leader.ask('GET', `/v1/topics/${prefix}-${at}/partitions?limit=${sampleMax}`);
    const leaders = listField(answer.body, 'partitions').map((partition) => numberField(partition, 'leader'));
    if (leaders.length !== Math.min(sampleMax, size)) throw new Error('partitions are missing');
    if (leaders.some((id) => id < 0 || id === victimId)) throw new Error('a partition is not led by another');
  }
}
