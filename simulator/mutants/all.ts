import type { Epoch, Offset } from '../../src/base/brands.ts';
import { batchEndOffset } from '../../src/raft/batch.ts';
import type { Effect } from '../../src/raft/effects.ts';
import { joined, mutant, withEffects, type Mutant } from './mutant.ts';

/** Messages go out at once, whatever they rest on. */
const sendsBeforePersisted = mutant(
  'sends before the vote is durable',
  'Raft paper, Figure 2: "updated on stable storage before responding to RPCs"',
  () => (input, step) => {
    const result = step(input);
    return withEffects(result, result.effects.map(withoutBarrier));
  },
);

function withoutBarrier(effect: Effect): Effect {
  if (effect.type !== 'sendMessage') return effect;
  return { type: 'sendMessage', to: effect.to, message: effect.message };
}

/** Every append counts as flushed at once, on the node whose role this is. */
function flushesAreAssumed(role: 'leader' | 'others'): ReturnType<Parameters<typeof mutant>[2]> {
  return (input, step, node) => {
    let result = step(input);
    for (const effect of result.effects) {
      if (effect.type !== 'appendBatches') continue;
      const leads = node.view?.role === 'leader';
      if (leads !== (role === 'leader')) continue;
      result = joined(result, step({ type: 'logFlushed', nowMs: input.nowMs, ioId: effect.ioId }));
    }
    return result;
  };
}

const leaderCountsUnflushed = mutant('the leader counts its own unflushed entries', 'etcd 14370', () =>
  flushesAreAssumed('leader'),
);

const followerAcknowledgesUnflushed = mutant(
  'a follower acknowledges before it has flushed',
  'design, "Safety rules"; KIP-595',
  () => flushesAreAssumed('others'),
);

/** The vote is written, and what rests on it does not wait. */
const voteIsNeverWritten = mutant(
  'the quorum state is never written',
  'Raft paper, Figure 2: currentTerm and votedFor are persistent state',
  () => (input, step) => {
    const result = step(input);
    const kept = result.effects.filter((effect) => effect.type !== 'persistQuorumState').map(withoutBarrier);
    let whole = withEffects(result, kept);
    for (const effect of result.effects) {
      if (effect.type !== 'persistQuorumState') continue;
      const completion = { type: 'quorumStatePersisted', nowMs: input.nowMs, ioId: effect.ioId } as const;
      whole = joined(whole, step(completion));
    }
    return whole;
  },
);

/** Every candidate's log passes for the longest there is. */
const skipsUpToDateCheck = mutant(
  'grants votes to candidates with shorter logs',
  'Raft paper, 5.4.1: the up-to-date check',
  () => (input, step) => {
    if (input.type !== 'messageReceived' || input.message.type !== 'voteRequest') return step(input);
    const lastEpoch = input.message.epoch;
    const logEndOffset = Number.MAX_SAFE_INTEGER as Offset;
    return step({ ...input, message: { ...input.message, lastEpoch, logEndOffset } });
  },
);

/** Says yes to whoever asks, also when it has voted for another. */
const votesTwice = mutant('votes twice in one epoch', 'Raft paper, 5.2: at most one vote a term', () => {
  return (input, step) => {
    const result = step(input);
    return withEffects(result, result.effects.map(asGranted));
  };
});

function asGranted(effect: Effect): Effect {
  if (effect.type !== 'sendMessage' || effect.message.type !== 'voteResponse') return effect;
  const { message } = effect;
  if (message.epoch !== message.requestEpoch) return effect;
  return { ...effect, message: { ...message, voteGranted: true } };
}

/** A read is answered from what the node, which takes itself for the leader, has. */
const readsWithoutBarrier = mutant(
  'reads without asking a majority',
  'Raft paper, 8; design 5: no clock leases',
  () => (input, step, node) => {
    if (input.type !== 'readBarrierRequested') return step(input);
    const result = step({ type: 'wake', nowMs: input.nowMs, stalledMs: 0 });
    const offset = node.view?.highWatermark ?? (0 as Offset);
    const { barrierId } = input;
    return withEffects(result, [...result.effects, { type: 'completeReadBarrier', barrierId, offset }]);
  },
);

/** A write is acknowledged when the leader has appended it. */
const acknowledgesBeforeCommit = mutant(
  'acknowledges a write before it is committed',
  'Raft paper, 5.3; Kafka acks=1',
  () => {
    const acknowledged = new Set<number>();
    return (input, step) => {
      const result = step(input);
      const effects = result.effects.filter(
        (effect) => effect.type !== 'completeProposal' || !acknowledged.delete(effect.proposalId),
      );
      const append = result.effects.find((effect) => effect.type === 'appendBatches');
      if (input.type !== 'recordsProposed' || append === undefined) return withEffects(result, effects);
      const { proposalId, expectedBaseOffset: baseOffset } = input;
      acknowledged.add(proposalId);
      const endOffset = (baseOffset + input.batches.length) as Offset;
      return withEffects(result, [
        ...effects,
        { type: 'completeProposal', proposalId, baseOffset, endOffset },
      ]);
    };
  },
);

/** The end of a leadership counts as the failure of what it has appended. */
const reportsUnknownAsFailed = mutant(
  'reports an unknown outcome as a definite failure',
  'design 10; Jepsen, many analyses',
  () => (input, step) => {
    const result = step(input);
    return withEffects(
      result,
      result.effects.map((effect) =>
        effect.type === 'failProposal' ? { ...effect, reason: 'NOT_LEADER' as const } : effect,
      ),
    );
  },
);

/** What a node has appended it applies. */
const appliesUncommitted = mutant(
  'applies records before they are committed',
  'Raft paper, 5.3; KAFKA-15048',
  () => (input, step, node) => {
    const result = step(input);
    const append = result.effects.findLast((effect) => effect.type === 'appendBatches');
    const last = append?.batches.at(-1);
    if (last === undefined || node.view === null) return result;
    const apply = {
      type: 'applyCommitted',
      from: node.view.appliedOffset,
      to: batchEndOffset(last),
    } as const;
    return withEffects(result, [...result.effects, apply]);
  },
);

/** What a follower has counts as matching, whatever stands there. */
const ignoresDivergence = mutant(
  'acknowledgements count without a look at the last epoch',
  'Raft paper, 5.3: the consistency check; KIP-595: lastFetchedEpoch',
  () => {
    let leaderEpoch: Epoch | null = null;
    let epochStart = 0;
    return (input, step) => {
      let seen = input;
      if (leaderEpoch !== null && input.type === 'messageReceived' && input.message.type === 'fetchRequest') {
        const { fetchOffset } = input.message;
        if (fetchOffset > epochStart)
          seen = { ...input, message: { ...input.message, lastFetchedEpoch: leaderEpoch } };
      }
      const result = step(seen);
      for (const effect of result.effects) {
        if (effect.type !== 'roleChanged') continue;
        leaderEpoch = effect.role === 'leader' ? effect.epoch : null;
        epochStart = effect.epochStartOffset ?? 0;
      }
      return result;
    };
  },
);

/** A majority that holds a record of an earlier epoch is taken for its commitment. */
const commitsOldEpochByCount = mutant(
  'commits records of earlier epochs by counting',
  'Raft paper, 5.4.2 and Figure 8; LogCabin 44',
  () => {
    const acknowledged = new Map<number, number>();
    let epochStart: number | null = null;
    let announced = 0;
    return (input, step, node) => {
      const result = step(input);
      if (input.type === 'messageReceived' && input.message.type === 'fetchRequest') {
        const { fetchOffset, flushedOffset } = input.message;
        acknowledged.set(input.from, Math.min(fetchOffset, flushedOffset));
      }
      for (const effect of result.effects) {
        if (effect.type !== 'roleChanged') continue;
        acknowledged.clear();
        epochStart = effect.role === 'leader' ? effect.epochStartOffset : null;
      }
      const view = node.view;
      if (epochStart === null || view === null) return result;
      const ends = [...acknowledged.values(), view.flushedOffset].toSorted((left, right) => right - left);
      const majority = ends[Math.floor(view.voters.length / 2)] ?? 0;
      const to = Math.min(majority, epochStart) as Offset;
      const isAdvancing = result.effects.some((effect) => effect.type === 'highWatermarkAdvanced');
      if (isAdvancing || to <= Math.max(view.highWatermark, announced)) return result;
      announced = to;
      return withEffects(result, [...result.effects, { type: 'highWatermarkAdvanced', highWatermark: to }]);
    };
  },
);

/** Time passes, and nobody tells the core. */
const neverTimesOut = mutant(
  'a follower never gives up its leader',
  'Raft paper, 5.2: the election timeout',
  () => (input, step) => {
    if (input.type !== 'wake') return step(input);
    return { effects: [], nextWakeAtMs: input.nowMs + 1000 };
  },
);

/** A requested barrier is forgotten. */
const forgetsBarriers = mutant('a read barrier is never answered', 'design 5', () => (input, step) => {
  if (input.type !== 'readBarrierRequested') return step(input);
  return step({ type: 'wake', nowMs: input.nowMs, stalledMs: 0 });
});

/** A flush that completes and has written nothing, as on disks that lie. */
const flushesNothing: Mutant = {
  name: 'a flush writes nothing',
  source: 'Zheng and others 2013, on disks under power faults',
  wrapCore: (core, node) => {
    node.disk.ignoresFlushes = true;
    return core;
  },
};

export const allMutants: readonly Mutant[] = [
  sendsBeforePersisted,
  leaderCountsUnflushed,
  followerAcknowledgesUnflushed,
  voteIsNeverWritten,
  skipsUpToDateCheck,
  votesTwice,
  readsWithoutBarrier,
  acknowledgesBeforeCommit,
  reportsUnknownAsFailed,
  appliesUncommitted,
  ignoresDivergence,
  commitsOldEpochByCount,
  neverTimesOut,
  forgetsBarriers,
  flushesNothing,
];
