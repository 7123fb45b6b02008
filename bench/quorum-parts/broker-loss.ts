import { checkAllLed, untilVictim, victimId } from '../partitions-parts/broker-death.ts';
import { createTopics, deleteTopics } from '../partitions-parts/topics.ts';
import type { Brokers } from '../processes/brokers.ts';
import { numberField } from '../processes/http.ts';
import type { Quorum } from '../processes/quorum.ts';
import type { ReportRow } from '../report.ts';
import { summarise } from '../support/statistics.ts';

/** From `kill -9` of a broker until others lead all that it has led. */
export async function measureBrokerLoss(
  quorum: Quorum,
  brokers: Brokers,
  { partitions, trials }: { readonly partitions: number; readonly trials: number },
): Promise<ReportRow> {
  const { leader } = await quorum.waitForLeader();
  const timesMs: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const prefix = `led-by-one-${trial}`;
    await createTopics(leader, prefix, [partitions], [victimId, 2, 3]);
    const startMs = performance.now();
    brokers.broker(victimId).child.signal('SIGKILL');
    const ledMs = await untilVictim(leader, ({ leaderCount }) => leaderCount === 0);
    timesMs.push(ledMs - startMs);
    await checkAllLed(leader, prefix, [partitions]);
    await brokers.broker(victimId).child.ended;
    await deleteTopics(leader, prefix, 1);
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
