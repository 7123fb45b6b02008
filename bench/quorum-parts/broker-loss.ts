import { setTimeout as pause } from 'node:timers/promises';
import { brokersOf, type Brokers } from '../processes/brokers.ts';
import type { Controller } from '../processes/controller.ts';
import { listField, numberField } from '../processes/http.ts';
import type { Quorum } from '../processes/quorum.ts';
import type { ReportRow } from '../report.ts';
import { summarise } from '../support/statistics.ts';

const pollMs = 5;
const victimId = 1;

/** From `kill -9` of a broker until others lead all that it has led. Most of it is the session's timeout. */
export async function measureBrokerLoss(
  quorum: Quorum,
  brokers: Brokers,
  { partitions, trials }: { readonly partitions: number; readonly trials: number },
): Promise<ReportRow> {
  const { leader } = await quorum.waitForLeader();
  const timesMs: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const topic = `led-by-one-${trial}`;
    await createLedByVictim(leader, topic, partitions);
    const startMs = performance.now();
    brokers.broker(victimId).child.signal('SIGKILL');
    await untilLeadsNothing(leader);
    timesMs.push(performance.now() - startMs);
    await checkAllLed(leader, topic, partitions);
    await brokers.broker(victimId).child.ended;
    await leader.ask('DELETE', `/v1/topics/${topic}`);
    await brokers.broker(victimId).start();
    await brokers.waitUntilUnfenced(quorum);
    console.log(`kill -9 of a broker, trial ${trial + 1}: ${Math.round(timesMs.at(-1) ?? 0)} ms`);
  }
  const cluster = await leader.ask('GET', '/v1/cluster');
  return {
    measure: `SIGKILL of a broker that leads ${partitions} partitions → all led again`,
    ...summarise(timesMs),
    sessionTimeoutMs: numberField(cluster.body, 'brokerSessionTimeoutMs'),
  };
}

async function createLedByVictim(leader: Controller, name: string, partitions: number): Promise<void> {
  const assignments = Array.from({ length: partitions }, () => [victimId, 2, 3]);
  const answer = await leader.ask('POST', '/v1/topics', { body: { name, assignments } });
  if (answer.status !== 201) throw new Error(`${name} was not created: ${answer.text}`);
}

async function untilLeadsNothing(leader: Controller): Promise<void> {
  for (;;) {
    const views = await brokersOf(leader);
    if (views?.find(({ brokerId }) => brokerId === victimId)?.leaderCount === 0) return;
    await pause(pollMs);
  }
}

async function checkAllLed(leader: Controller, topic: string, partitions: number): Promise<void> {
  const answer = await leader.ask('GET', `/v1/topics/${topic}/partitions?limit=1000`);
  const leaders = listField(answer.body, 'partitions').map((partition) => numberField(partition, 'leader'));
  if (leaders.length !== Math.min(1_000, partitions)) throw new Error('partitions are missing');
  if (leaders.some((id) => id < 0 || id === victimId)) throw new Error('a partition is not led by another');
}
