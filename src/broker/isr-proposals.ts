import type { Client } from '../client/create-client.ts';
import type { Clock } from '../ports/clock.ts';
import type { ProposalAnswer, ReplicaEffect } from '../replica/types.ts';

export type IsrProposal = Extract<ReplicaEffect, { type: 'proposeIsr' }>;

type Pending = {
  readonly topicId: string;
  readonly partition: number;
  readonly proposal: IsrProposal;
  readonly answered: (answer: ProposalAnswer) => void;
};

export type IsrProposalsOptions = {
  readonly brokerId: number;
  readonly brokerEpoch: () => number;
  readonly client: Pick<Client, 'outcome'>;
  readonly clock: Clock;
};

const timeoutMs = 2_000;
/** The controllers take so many in one operation. */
const proposalsPerRequestMax = 1_000;

/** AlterPartition: proposals that are made at the same moment travel together. */
export class IsrProposals {
  readonly #options: IsrProposalsOptions;
  #pending: Pending[] = [];

  constructor(options: IsrProposalsOptions) {
    this.#options = options;
  }

  propose(pending: Pending): void {
    this.#pending.push(pending);
    if (this.#pending.length > 1) return;
    this.#options.clock.afterPendingEvents(() => {
      const all = this.#pending;
      this.#pending = [];
      for (let at = 0; at < all.length; at += proposalsPerRequestMax) {
        void this.#send(all.slice(at, at + proposalsPerRequestMax));
      }
    });
  }

  async #send(pending: readonly Pending[]): Promise<void> {
    const answers = await this.#ask(pending);
    for (const [at, { answered }] of pending.entries()) answered(answers[at] ?? { kind: 'unknown' });
  }

  /** Only an error that says that nothing was done is a refusal (isr-unknown). */
  async #ask(pending: readonly Pending[]): Promise<readonly ProposalAnswer[]> {
    const { client, brokerId, brokerEpoch } = this.#options;
    const partitions = pending.map(({ topicId, partition, proposal }) => {
      const { leaderEpoch, partitionEpoch, newIsr } = proposal;
      return { topicId, partition, leaderEpoch, partitionEpoch, newIsr: newIsr.map((each) => ({ ...each })) };
    });
    const input = { brokerId, brokerEpoch: brokerEpoch(), partitions };
    try {
      const outcome = await client.outcome('alterPartition', input, { timeoutMs, exactlyOnce: false });
      switch (outcome.type) {
        case 'answered':
          return outcome.response.partitions.map(answerOf);
        case 'refused':
          return pending.map(() => ({ kind: 'refused', code: outcome.error.code }));
        case 'unanswered':
          return pending.map(() => ({ kind: 'refused', code: 'NOT_CONTROLLER' }));
        case 'unknown':
          return [];
      }
    } catch {
      // An answer in a form that is not known says nothing of what was done.
      return [];
    }
  }
}

function answerOf(result: {
  readonly code: string | null;
  readonly partitionEpoch: number | null;
  readonly isr: readonly number[] | null;
  readonly minInsyncReplicas?: number | null;
}): ProposalAnswer {
  const { code, partitionEpoch, isr, minInsyncReplicas: minIsr } = result;
  if (code !== null) return { kind: 'refused', code };
  // Half of an answer is none: what it leaves out the metadata will say, of one and the same state.
  if (partitionEpoch === null || isr === null || typeof minIsr !== 'number') return { kind: 'unknown' };
  return { kind: 'accepted', partitionEpoch, isr, minIsr };
}
