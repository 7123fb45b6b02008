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

/** A write that waits at the door of a process that stands still, and what became of it. */
type LateWrite = { readonly name: string; readonly outcome: Promise<HttpOutcome> };

describe('a leader that hangs', () => {
  it('acknowledges nothing under its old epoch and reads nothing stale when it goes on, and nothing is lost', async () => {
    const result = await underLoad(async (quorum, load) => {
      for (let round = 0; round < rounds; round++) {
        const { leader, epoch } = await quorum.waitForLeader();
        leader.child.signal('SIGSTOP');
        const next = await waitForOtherLeader(quorum, leader, epoch);
        await untilAcknowledged(load, 20, quorum);
        const newer = `newer-${round}`;
        const written = await createTopic(next.leader, newer);
        // The kernel takes the connections; the process reads them when it goes on, still a leader to itself.
        const reads = Array.from({ length: requestsPerRound }, () =>
          leader.send('GET', `/v1/topics/${newer}`),
        );
        const writes = Array.from({ length: requestsPerRound }, (_, index) =>
          writeLate(leader, round, index),
        );
        leader.child.signal('SIGCONT');
        const faults = (await Promise.all(reads)).map((outcome) =>
          faultOfRead(outcome, epoch, written.offset),
        );
        for (const write of writes) faults.push(await faultOfWrite(write, next.leader, epoch));
        expect(faults).toEqual(faults.map(() => null));
        expect((await quorum.waitForLeader()).epoch).toBeGreaterThan(epoch);
        await quorum.waitUntilCaughtUp(load.ledger.offset);
      }
    });
    expect(result).toMatch(nothingLost);
  });
});

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

function writeLate(leader: Controller, round: number, index: number): LateWrite {
  const name = `late-${round}-${index}`;
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

/** What is wrong with the answer to a write: what is acknowledged was committed in a later epoch, what is refused was not done. */
async function faultOfWrite(write: LateWrite, leader: Controller, oldEpoch: number): Promise<string | null> {
  const outcome = await write.outcome;
  if (outcome.type !== 'answer') return `${write.name} was not answered: ${outcome.reason}`;
  const found = await leader.ask('GET', `/v1/topics/${write.name}`);
  const code = field(outcome.body, 'code');
  if (code === 'OUTCOME_UNKNOWN') return null;
  if (code === 'NOT_CONTROLLER')
    return found.status === 404 ? null : `${write.name} was refused and is there`;
  if (outcome.status !== 201) return `${write.name}: ${outcome.text}`;
  const isKept = field(found.body, 'topicId') === field(outcome.body, 'topicId');
  if (!isKept) return `${write.name} was acknowledged and is not there`;
  return isOfLaterEpoch(outcome, oldEpoch) ? null : `${write.name} was acknowledged in the old epoch`;
}

function isOfLaterEpoch(answer: HttpAnswer, oldEpoch: number): boolean {
  return (headerNumber(answer, 'ottla-epoch') ?? 0) > oldEpoch;
}
