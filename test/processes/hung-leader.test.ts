import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Controller } from '../../bench/processes/controller.ts';
import { field, headerNumber, type HttpAnswer, type HttpOutcome } from '../../bench/processes/http.ts';
import type { Quorum } from '../../bench/processes/quorum.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { createTopic } from './api.ts';
import { nothingLost, underLoad, untilAcknowledged } from './under-load.ts';

const rounds = 3;
/** Of each kind, so that they fill more than one turn of the old leader's event loop. */
const requestsPerRound = 12;
/** Enough for a flush, and far below the fetch timeout: the followers are still followers when they go on. */
const flushMs = 100;

/** A write that was sent to the leader that hangs, and what became of it. */
type SentWrite = { readonly name: string; readonly outcome: Promise<HttpOutcome> };

describe('a leader that hangs', () => {
  it('acknowledges nothing under its old epoch and reads nothing stale when it goes on, and nothing is lost', async () => {
    const result = await underLoad(async (quorum, load) => {
      for (let round = 0; round < rounds; round++) {
        const { leader, epoch } = await quorum.waitForLeader();
        const before = await stopAlone(quorum, leader, round);
        const next = await waitForOtherLeader(quorum, leader, epoch);
        await untilAcknowledged(load, 20, quorum);
        const newer = `newer-${round}`;
        const written = await createTopic(next.leader, newer);
        // The kernel takes the connections; the process reads them when it goes on, still a leader to itself.
        const reads = Array.from({ length: requestsPerRound }, () =>
          leader.send('GET', `/v1/topics/${newer}`),
        );
        const late = Array.from({ length: requestsPerRound }, (_, index) =>
          sendWrite(leader, `late-${round}-${index}`),
        );
        leader.child.signal('SIGCONT');
        const faults = (await Promise.all(reads)).map((outcome) =>
          faultOfRead(outcome, epoch, written.offset),
        );
        for (const write of before) faults.push(await faultOfWrite(write, next.leader));
        for (const write of late) faults.push(await faultOfLateWrite(write, next.leader, epoch));
        expect(faults).toEqual(faults.map(() => null));
        expect((await quorum.waitForLeader()).epoch).toBeGreaterThan(epoch);
        await quorum.waitUntilCaughtUp(load.ledger.offset);
      }
    });
    expect(result).toMatch(nothingLost);
  });
});

/**
 * Stops the leader when it has on its disk what nobody else has: its followers stand still first, for less
 * than any timeout of theirs, and go on when it does not. The first write travels with the answers to their
 * waiting fetches; for the second one nobody has asked.
 */
async function stopAlone(quorum: Quorum, leader: Controller, round: number): Promise<readonly SentWrite[]> {
  const followers = quorum.others(leader);
  for (const follower of followers) follower.child.signal('SIGSTOP');
  const writes: SentWrite[] = [];
  for (const name of [`travels-${round}`, `alone-${round}`]) {
    const before = await logEndOf(leader);
    writes.push(sendWrite(leader, name));
    await waitFor(
      `the leader appends ${name}`,
      async () => ((await logEndOf(leader)) > before ? true : new NotYet('nothing was appended')),
      { describe: () => quorum.dump() },
    );
  }
  // A flush of its own must not pass for a majority's.
  await pause(flushMs);
  leader.child.signal('SIGSTOP');
  for (const follower of followers) follower.child.signal('SIGCONT');
  return writes;
}

async function logEndOf(controller: Controller): Promise<number> {
  const view = await controller.view();
  if (view === null) throw new Error(`controller ${controller.id} gives no answer`);
  return view.logEndOffset;
}

/** Two of three are enough to lead and to be followed; the third cannot be asked. */
async function waitForOtherLeader(
  quorum: Quorum,
  hung: Controller,
  epoch: number,
): Promise<{ readonly leader: Controller }> {
  return await waitFor(
    'another leads and serves',
    async () => {
      for (const leader of quorum.others(hung)) {
        const view = await leader.view();
        if (view?.active === true && view.epoch > epoch) return { leader };
      }
      return new NotYet('nobody');
    },
    { describe: () => quorum.dump() },
  );
}

function sendWrite(leader: Controller, name: string): SentWrite {
  const body = { name, partitions: 1, replicationFactor: 1 };
  return { name, outcome: leader.send('POST', '/v1/topics', { body }) };
}

/** What is wrong with the answer to a read; it comes from what the new leader has committed, or refuses. */
function faultOfRead(outcome: HttpOutcome, oldEpoch: number, offset: number): string | null {
  if (outcome.type !== 'answer') return `a read was not answered: ${outcome.reason}`;
  if (outcome.status === 503 || outcome.status === 504) return null;
  if (outcome.status !== 200) return `a stale read: ${outcome.text}`;
  const isNew = isOfLaterEpoch(outcome, oldEpoch) && (headerNumber(outcome, 'ottla-offset') ?? 0) >= offset;
  return isNew ? null : `a read from before: ${JSON.stringify(outcome.headers)}`;
}

/** What is wrong with the answer to a write: what is acknowledged is there, what is refused was not done. */
async function faultOfWrite(
  { name, outcome: pending }: SentWrite,
  leader: Controller,
): Promise<string | null> {
  const outcome = await pending;
  if (outcome.type !== 'answer') return `${name} was not answered: ${outcome.reason}`;
  const found = await leader.ask('GET', `/v1/topics/${name}`);
  const code = field(outcome.body, 'code');
  if (code === 'OUTCOME_UNKNOWN') return null;
  if (code === 'NOT_CONTROLLER') return found.status === 404 ? null : `${name} was refused and is there`;
  if (outcome.status !== 201) return `${name}: ${outcome.text}`;
  const isKept = field(found.body, 'topicId') === field(outcome.body, 'topicId');
  return isKept ? null : `${name} was acknowledged and is not there`;
}

/** Who is asked after another leads may acknowledge only what was committed in a later epoch. */
async function faultOfLateWrite(
  write: SentWrite,
  leader: Controller,
  oldEpoch: number,
): Promise<string | null> {
  const outcome = await write.outcome;
  const isAcknowledged = outcome.type === 'answer' && outcome.status === 201;
  if (isAcknowledged && !isOfLaterEpoch(outcome, oldEpoch))
    return `${write.name}: acknowledged in the old epoch`;
  return await faultOfWrite(write, leader);
}

function isOfLaterEpoch(answer: HttpAnswer, oldEpoch: number): boolean {
  return (headerNumber(answer, 'ottla-epoch') ?? 0) > oldEpoch;
}
