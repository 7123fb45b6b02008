import { describe, expect, it } from 'vitest';
import { IsrProposals } from '../../src/broker/isr-proposals.ts';
import type { Client } from '../../src/client/create-client.ts';
import type { ProposalAnswer } from '../../src/replica/types.ts';
import { ManualClock } from '../transport/support/manual-clock.ts';

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ';
const accepted = {
  topicId,
  partition: 0,
  code: null,
  message: null,
  leader: 1,
  leaderEpoch: 2,
  partitionEpoch: 8,
  isr: [1],
  leaderRecoveryState: 0,
};

/** What a leader makes of an answer of the controllers to its proposal. */
async function answerTo(result: Readonly<Record<string, unknown>>): Promise<ProposalAnswer> {
  const response = { partitions: [result] };
  // The agent's client gives what arrives in the form that it has.
  const outcome = (() => Promise.resolve({ type: 'answered', response })) as unknown as Client['outcome'];
  const proposals = new IsrProposals({
    brokerId: 1,
    brokerEpoch: () => 12,
    client: { outcome },
    clock: new ManualClock(),
  });
  const proposal = {
    type: 'proposeIsr',
    proposalId: 1,
    leaderEpoch: 2,
    partitionEpoch: 7,
    newIsr: [{ brokerId: 1, brokerEpoch: 12 }],
  } as const;
  return await new Promise((answered) => proposals.propose({ topicId, partition: 0, proposal, answered }));
}

describe('the answer to a proposal of an in-sync set', () => {
  it('is taken in with the min ISR of the same state', async () => {
    expect(await answerTo({ ...accepted, minInsyncReplicas: 2 })).toEqual({
      kind: 'accepted',
      partitionEpoch: 8,
      isr: [1],
      minIsr: 2,
    });
  });

  it.each([{}, { minInsyncReplicas: null }])(
    'says nothing where the min ISR is missing (%o): taken for 1 it might commit what is to be lost',
    async (fields) => {
      expect(await answerTo({ ...accepted, ...fields })).toEqual({ kind: 'unknown' });
    },
  );
});
