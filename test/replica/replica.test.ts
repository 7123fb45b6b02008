import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Replica } from '../../src/replica/replica.ts';
import type { ProposalAnswer, ReplicaEffect } from '../../src/replica/types.ts';
import { ProducerState } from '../../src/replica/producer-state.ts';
import { type Broker, PartitionCluster, type Plant, producedIn } from './cluster.ts';

/** One step of a run: what is done, and to whom or how much. */
type Move = { readonly kind: number; readonly choice: number };

const moves = fc.array(fc.record({ kind: fc.nat({ max: 99 }), choice: fc.nat({ max: 1_000 }) }), {
  minLength: 100,
  maxLength: 400,
  size: 'max',
});

/** Now and then a broker is told that all but its last few records need not be kept. */
function playRetaining(cluster: PartitionCluster, move: Move): void {
  if (move.kind % 20 === 19) cluster.retain(1 + (move.choice % 3), move.choice % 5);
  else play(cluster, move);
}

function play(cluster: PartitionCluster, { kind, choice }: Move): void {
  const id = 1 + (choice % 3);
  const leader = cluster.view.leader > 0 ? cluster.view.leader : id;
  if (kind < 45) cluster.deliver(choice, false);
  else if (kind < 48) cluster.deliver(choice, true);
  else if (kind < 50) cluster.produce(choice % 4 === 0 ? id : leader);
  else if (kind < 56 && choice % 97 === 0) cluster.restartProducer();
  else if (kind < 56) cluster.produceNumbered(choice % 4 === 0 ? id : leader, choice >> 2);
  else if (kind < 72) cluster.flush(id);
  else if (kind < 80) cluster.tell(id);
  else if (kind < 86) cluster.pass(choice % 200);
  else if (kind < 88) cluster.crash(id, choice % 2);
  else if (kind < 92) cluster.start(id);
  else if (kind < 93) cluster.fence(id);
  else cluster.unfence(id);
}

type ReplicaStep = ReturnType<Replica['step']>;

function proposalIn({ effects }: ReplicaStep): Extract<ReplicaEffect, { type: 'proposeIsr' }> | undefined {
  return effects.find((effect) => effect.type === 'proposeIsr');
}

/** Broker 1 with an empty log, whose followers may lag for a second. */
function patientReplica(): Replica {
  const config = {
    replicaLagTimeMaxMs: 1_000,
    fetchTimeoutMs: 1_000,
    retryBackoffMs: 10,
    fetchRecordsMax: 1,
  };
  return new Replica(
    { ...config, brokerId: 1 },
    { brokerEpoch: 5, epochs: [], logStartOffset: 0, logEndOffset: 0, produced: [] },
    0,
  );
}

/** Whoever the controller may elect now, which is every member of the ISR, holds all that was acknowledged. */
function findLoss(cluster: PartitionCluster): string | null {
  for (const id of cluster.view.isr) {
    const { records, flushed } = cluster.broker(id);
    for (const { offset, value } of cluster.acknowledged) {
      if (offset < cluster.startOffset) continue;
      if (offset < flushed && records[offset]?.value === value) continue;
      return `broker ${id} is in the ISR without record ${value} at ${offset}`;
    }
  }
  return null;
}

/** Each log holds what the numbered producer has sent once and in order, and each replica knows what its log says. */
function findDisorder(cluster: PartitionCluster): string | null {
  for (const broker of cluster.brokers) {
    const problem = disorderAt(broker);
    if (problem !== null) return `broker ${broker.id}: ${problem}`;
  }
  return null;
}

function disorderAt({ records, startOffset, replica }: Broker): string | null {
  const produced = producedIn(records, 0);
  for (const [at, { producerEpoch, baseSequence, baseOffset }] of produced.entries()) {
    const before = produced[at - 1];
    const isSameEpoch = before?.producerEpoch === producerEpoch;
    const isOlder = before !== undefined && before.producerEpoch > producerEpoch;
    const wanted = isSameEpoch ? before.baseSequence + 1 : 0;
    // What stood before it may be gone.
    if (before === undefined && startOffset > 0) continue;
    if (isOlder || baseSequence !== wanted) return `sequence ${baseSequence} at ${baseOffset}`;
  }
  const known = replica?.produced ?? null;
  if (known === null) return null;
  const told = JSON.stringify(new ProducerState(produced).snapshot());
  return JSON.stringify(known) === told ? null : `knows ${JSON.stringify(known)} of ${told}`;
}

/** Whoever the controller may elect begins no higher than a leader has decided, and has all from there on. */
function findHole(cluster: PartitionCluster): string | null {
  const found = cluster.brokers.find(({ startOffset, flushed }) => {
    return startOffset > cluster.startOffset || startOffset > flushed;
  });
  return found === undefined ? null : `broker ${found.id} begins at ${found.startOffset}`;
}

function run(cluster: PartitionCluster, script: readonly Move[], playOne = play): string | null {
  for (const move of script) {
    playOne(cluster, move);
    const problem = findLoss(cluster) ?? findDisorder(cluster) ?? findHole(cluster);
    if (problem !== null) return problem;
  }
  return null;
}

const acknowledgesUnflushed: Plant = (effect) => {
  if (effect.type !== 'sendFetch') return [effect];
  return [{ ...effect, request: { ...effect.request, flushedOffset: effect.request.fetchOffset } }];
};

const proposesEverybody: Plant = (effect, cluster) => {
  if (effect.type !== 'proposeIsr') return [effect];
  const newIsr = [...cluster.view.eligible].map(([brokerId, brokerEpoch]) => ({ brokerId, brokerEpoch }));
  return [{ ...effect, newIsr }];
};

const acknowledgesAtAppend: Plant = (effect) => {
  if (effect.type !== 'append' || effect.produceId === null) return [effect];
  return [effect, { type: 'completeProduce', produceId: effect.produceId, baseOffset: effect.baseOffset }];
};

describe('the replicas of a partition', () => {
  it.each([1, 2])('keep what was acknowledged on every broker that may be elected, min ISR %i', (minIsr) => {
    let acknowledged = 0;
    fc.assert(
      fc.property(moves, (script) => {
        const cluster = new PartitionCluster(minIsr);
        expect(run(cluster, script)).toBeNull();
        acknowledged += cluster.acknowledged.length;
      }),
      { numRuns: 400, seed: 11 },
    );
    expect(acknowledged).toBeGreaterThan(400);
  });

  it.each([1, 2])('keep it from where a leader has let the log begin, min ISR %i', (minIsr) => {
    let acknowledged = 0;
    let begun = 0;
    fc.assert(
      fc.property(moves, (script) => {
        const cluster = new PartitionCluster(minIsr);
        expect(run(cluster, script, playRetaining)).toBeNull();
        acknowledged += cluster.acknowledged.length;
        if (cluster.startOffset > 0) begun++;
      }),
      { numRuns: 400, seed: 12 },
    );
    expect(acknowledged).toBeGreaterThan(400);
    expect(begun).toBeGreaterThan(50);
  });

  // Found by the simulator, seed 87: a broker that had restarted read from a controller that lagged behind.
  it('take no word of the controller that is older than their own log', () => {
    const config = { replicaLagTimeMaxMs: 1, fetchTimeoutMs: 1, retryBackoffMs: 1, fetchRecordsMax: 1 };
    const epochs = [{ epoch: 9, startOffset: 0 }];
    const replica = new Replica(
      { ...config, brokerId: 1 },
      { brokerEpoch: 5, epochs, logStartOffset: 0, logEndOffset: 2, produced: [] },
      0,
    );
    const { view } = new PartitionCluster(1);
    replica.step({ type: 'partitionChanged', nowMs: 0, view: { ...view, leader: 1, leaderEpoch: 7 } });
    expect(replica.role).toBe('idle');
    replica.step({ type: 'partitionChanged', nowMs: 0, view: { ...view, leader: 1, leaderEpoch: 10 } });
    expect(replica.role).toBe('leader');
  });

  // Found by the simulator, seed 41023 of brokers: it answered with its empty log, and followers cut theirs to that.
  it('do nothing in the name of an earlier incarnation before they have read of themselves as active', () => {
    const replica = patientReplica();
    const known = { leader: 1, leaderEpoch: 1, replicas: [1, 2], isr: [1, 2], minIsr: 1 };
    const told = (partitionEpoch: number, own: number): ReplicaStep =>
      replica.step({
        type: 'partitionChanged',
        nowMs: 0,
        view: {
          ...known,
          partitionEpoch,
          eligible: new Map([
            [1, own],
            [2, 6],
          ]),
        },
      });
    const request = { brokerId: 2, brokerEpoch: 6, currentLeaderEpoch: 1, fetchOffset: 1 };
    const fetched = (): ReplicaStep['effects'] =>
      replica.step({
        type: 'fetchReceived',
        nowMs: 0,
        fetchId: 1,
        request: { ...request, lastFetchedEpoch: 1, flushedOffset: 1 },
      }).effects;
    const refused = {
      type: 'answerFetch',
      fetchId: 1,
      answer: { kind: 'refused', error: 'NOT_LEADER_OR_FOLLOWER' },
    };
    told(1, 4);
    expect(fetched()).toEqual([refused]);
    replica.step({ type: 'leaseChanged', nowMs: 0, holdsLease: true, brokerEpoch: 9 });
    expect(fetched()).toEqual([refused]);
    expect(replica.visibleEndOffset).toBeNull();
    told(2, 9);
    expect(fetched()[0]).toMatchObject({ answer: { kind: 'diverging' } });
    expect(replica.visibleEndOffset).toBe(0);
  });

  // Found by the soak, seed 4382: refused for ever, it was proposed for ever, and the leader waited for it for ever.
  it('propose one that has registered anew under its new epoch, though it is not known what became of the old', () => {
    const replica = patientReplica();
    const known = { leader: 1, leaderEpoch: 1, partitionEpoch: 3, replicas: [1, 2], isr: [1], minIsr: 1 };
    const told = (nowMs: number, epochOf2: number): ReplicaStep =>
      replica.step({
        type: 'partitionChanged',
        nowMs,
        view: {
          ...known,
          eligible: new Map([
            [1, 5],
            [2, epochOf2],
          ]),
        },
      });
    const fetched = (nowMs: number, brokerEpoch: number): ReplicaStep =>
      replica.step({
        type: 'fetchReceived',
        nowMs,
        fetchId: nowMs,
        request: {
          brokerId: 2,
          brokerEpoch,
          currentLeaderEpoch: 1,
          fetchOffset: 0,
          lastFetchedEpoch: -1,
          flushedOffset: 0,
        },
      });
    replica.step({ type: 'leaseChanged', nowMs: 0, holdsLease: true, brokerEpoch: 5 });
    told(0, 6);
    const first = proposalIn(fetched(1, 6));
    expect(first?.newIsr).toContainEqual({ brokerId: 2, brokerEpoch: 6 });
    replica.step({
      type: 'proposalAnswered',
      nowMs: 2,
      proposalId: first?.proposalId ?? -1,
      answer: { kind: 'unknown' },
    });
    const again = proposalIn(replica.step({ type: 'wake', nowMs: 20 }));
    const refused = { kind: 'refused', code: 'INELIGIBLE_REPLICA' } as const;
    replica.step({
      type: 'proposalAnswered',
      nowMs: 21,
      proposalId: again?.proposalId ?? -1,
      answer: refused,
    });
    // The first attempt may still be on its way.
    expect(replica.replicationQuorum).toEqual([1, 2]);
    told(22, 8);
    expect(replica.replicationQuorum).toEqual([1]);
    fetched(30, 8);
    const anew = proposalIn(replica.step({ type: 'wake', nowMs: 60 }));
    expect(anew?.newIsr).toContainEqual({ brokerId: 2, brokerEpoch: 8 });
  });

  // Fenced and gone for good, it would keep the leader waiting for ever.
  it('settle by the ISR that stands what was proposed, may still take effect, and is wanted no longer', () => {
    const replica = patientReplica();
    const known = { leader: 1, leaderEpoch: 1, replicas: [1, 2], isr: [1], minIsr: 1 };
    const told = (
      nowMs: number,
      partitionEpoch: number,
      eligible: readonly [number, number][],
    ): ReplicaStep =>
      replica.step({
        type: 'partitionChanged',
        nowMs,
        view: { ...known, partitionEpoch, eligible: new Map(eligible) },
      });
    const answered = (nowMs: number, step: ReplicaStep, answer: ProposalAnswer): ReplicaStep => {
      const proposalId = proposalIn(step)?.proposalId ?? -1;
      return replica.step({ type: 'proposalAnswered', nowMs, proposalId, answer });
    };
    replica.step({ type: 'leaseChanged', nowMs: 0, holdsLease: true, brokerEpoch: 5 });
    told(0, 3, [
      [1, 5],
      [2, 6],
    ]);
    const request = {
      brokerId: 2,
      brokerEpoch: 6,
      currentLeaderEpoch: 1,
      fetchOffset: 0,
      lastFetchedEpoch: -1,
    };
    const fetch = {
      type: 'fetchReceived',
      nowMs: 1,
      fetchId: 1,
      request: { ...request, flushedOffset: 0 },
    } as const;
    answered(2, replica.step(fetch), { kind: 'unknown' });
    const again = replica.step({ type: 'wake', nowMs: 20 });
    told(21, 3, [[1, 5]]);
    answered(22, again, { kind: 'refused', code: 'INELIGIBLE_REPLICA' });
    expect(replica.replicationQuorum).toEqual([1, 2]);
    const settling = replica.step({ type: 'wake', nowMs: 60 });
    expect(proposalIn(settling)).toMatchObject({
      partitionEpoch: 3,
      newIsr: [{ brokerId: 1, brokerEpoch: 5 }],
    });
    answered(61, settling, { kind: 'accepted', partitionEpoch: 4, isr: [1], minIsr: 1 });
    expect(replica.replicationQuorum).toEqual([1]);
    expect(proposalIn(replica.step({ type: 'wake', nowMs: 200 }))).toBeUndefined();
  });

  it('acknowledge what they are asked to keep while all goes well', () => {
    const cluster = new PartitionCluster(2);
    for (let round = 0; round < 20; round++) {
      for (const id of [1, 2, 3]) {
        cluster.produce(id);
        cluster.flush(id);
      }
      for (let letter = 0; letter < 20; letter++) cluster.deliver(0, false);
      cluster.pass(60);
    }
    expect(cluster.acknowledged.length).toBeGreaterThan(10);
    expect(findLoss(cluster)).toBeNull();
  });

  it.each<readonly [string, Plant]>([
    ['a follower acknowledges before it has flushed', acknowledgesUnflushed],
    ['a leader proposes whoever is unfenced', proposesEverybody],
    ['a leader acknowledges what it has appended', acknowledgesAtAppend],
  ])('lose records when %s', (_name, plant) => {
    const result = fc.check(
      fc.property(moves, (script) => run(new PartitionCluster(1, plant), script) === null),
      { numRuns: 2000, seed: 5, endOnFailure: true },
    );
    expect(result.failed).toBe(true);
  });
});
