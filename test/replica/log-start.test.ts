import { expect, it } from 'vitest';
import { Replica } from '../../src/replica/replica.ts';
import type { ReplicaEffect } from '../../src/replica/types.ts';
import { config, type Untimed } from './inputs.ts';

/** Broker 1 follows broker 2 with a log of three records, all of which its leader has removed. */
class Following {
  readonly #replica = new Replica(
    config,
    {
      brokerEpoch: 5,
      epochs: [{ epoch: 0, startOffset: 0 }],
      logStartOffset: 0,
      logEndOffset: 3,
      produced: [],
    },
    0,
  );
  #nowMs = 0;

  step(input: Untimed): { readonly effects: readonly ReplicaEffect[]; readonly nextWakeAtMs: number | null } {
    this.#nowMs += 1;
    return this.#replica.step({ ...input, nowMs: this.#nowMs });
  }

  follow(leaderEpoch: number): readonly ReplicaEffect[] {
    const eligible = new Map([
      [1, 5],
      [2, 6],
    ]);
    const members = { replicas: [1, 2], isr: [2], minIsr: 1, eligible };
    return this.step({
      type: 'partitionChanged',
      view: { leader: 2, leaderEpoch, partitionEpoch: leaderEpoch, ...members },
    }).effects;
  }
}

function fetches(effects: readonly ReplicaEffect[]) {
  return effects.flatMap((effect) => (effect.type === 'sendFetch' ? [effect] : []));
}

it('a follower that begins its log anew fetches no more until that is on disk: its fetch would say that it is', () => {
  const following = new Following();
  const [fetch] = fetches(following.follow(1));
  const answer = { kind: 'outOfRange', leaderEpoch: 1, logStartOffset: 9, epochBefore: 0 } as const;
  const reset = following.step({
    type: 'fetchAnswered',
    fetchId: fetch?.fetchId ?? -1,
    answer,
    produced: [],
  });
  expect(reset.effects).toMatchObject([{ type: 'reset', to: 9, epochBefore: 0, generation: 1 }]);
  expect(reset.nextWakeAtMs).toBeNull();
  // Nor under another leader, nor for a flush of what was there before.
  expect(fetches(following.step({ type: 'wake' }).effects)).toEqual([]);
  expect(fetches(following.step({ type: 'flushed', endOffset: 3, generation: 0 }).effects)).toEqual([]);
  expect(fetches(following.follow(2))).toEqual([]);
  const flushed = following.step({ type: 'flushed', endOffset: 9, generation: 1 });
  expect(fetches(flushed.effects)).toMatchObject([
    { request: { fetchOffset: 9, flushedOffset: 9, lastFetchedEpoch: 0 } },
  ]);
});
