import { setTimeout as pause } from 'node:timers/promises';
import type { Controller } from '../processes/controller.ts';
import type { Quorum } from '../processes/quorum.ts';
import type { ReportRow } from '../report.ts';
import { summarise } from '../support/statistics.ts';

const retryMs = 2;
/** Short, because an attempt that was passed on to a leader that hangs is lost: the next one is what counts. */
const attemptTimeoutMs = 150;
/** The server's own timeout ends the attempt; this is for a server that says nothing. */
const silenceTimeoutMs = 2_000;
let probesSent = 0;

/** `SIGKILL` closes the leader's connections, `SIGSTOP` leaves them open: the two ways to lose a leader. */
export async function measureLeaderLoss(
  quorum: Quorum,
  signal: 'SIGKILL' | 'SIGSTOP',
  trials: number,
): Promise<ReportRow> {
  const timesMs: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const { leader } = await quorum.waitForLeader();
    await quorum.waitUntilCaughtUp((await leader.view())?.highWatermark ?? 0);
    timesMs.push(await loseLeader(quorum, leader, signal));
    if (signal === 'SIGKILL') {
      await leader.child.ended;
      await leader.start();
    } else leader.child.signal('SIGCONT');
    console.log(`${signal} of the leader, trial ${trial + 1}: ${Math.round(timesMs.at(-1) ?? 0)} ms`);
  }
  return { measure: `${signal} of the leader → next committed write`, ...summarise(timesMs) };
}

/** From the signal until any of the others has acknowledged a write. */
async function loseLeader(
  quorum: Quorum,
  leader: Controller,
  signal: 'SIGKILL' | 'SIGSTOP',
): Promise<number> {
  const others = quorum.others(leader);
  const startMs = performance.now();
  leader.child.signal(signal);
  await Promise.any(others.map(async (controller) => await writeUntilAcknowledged(controller)));
  return performance.now() - startMs;
}

async function writeUntilAcknowledged(controller: Controller): Promise<void> {
  for (;;) {
    const body = { name: `failover-${probesSent++}`, partitions: 1, replicationFactor: 1 };
    const outcome = await controller.send('POST', `/v1/topics?timeout_ms=${attemptTimeoutMs}`, {
      body,
      timeoutMs: silenceTimeoutMs,
    });
    if (outcome.type === 'answer' && outcome.status === 201) return;
    await pause(retryMs);
  }
}
