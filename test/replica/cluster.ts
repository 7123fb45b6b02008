import type { PartitionView, ProposedMember, ReplicaEffect, ReplicaInput } from '../../src/replica/types.ts';
import type { BatchProducer, ProducedBatch } from '../../src/replica/producer-state.ts';
import { Replica } from '../../src/replica/replica.ts';

/** A batch of its own. */
export type StoredRecord = {
  readonly epoch: number;
  readonly value: number;
  readonly producer: BatchProducer | null;
};

export type Broker = {
  readonly id: number;
  epoch: number;
  isUp: boolean;
  isFenced: boolean;
  /** In the places of those below `startOffset` stand their epochs alone. */
  records: StoredRecord[];
  startOffset: number;
  flushed: number;
  replica: Replica | null;
};

type Production = { readonly value: number; readonly producer: BatchProducer | null };

type Letter = { readonly to: number; readonly brokerEpoch: number; run(): void };

export const config = {
  replicaLagTimeMaxMs: 1000,
  fetchTimeoutMs: 300,
  retryBackoffMs: 50,
  fetchRecordsMax: 3,
};

/** The shell's hooks through which a test plants a bug. */
export type Plant = (effect: ReplicaEffect, cluster: PartitionCluster) => readonly ReplicaEffect[];

/**
 * Three brokers with one partition, a controller that decides by today's rules, and letters that arrive in
 * any order or not at all. Every choice is the caller's.
 */
export class PartitionCluster {
  readonly brokers: readonly Broker[];
  readonly acknowledged: { readonly offset: number; readonly value: number }[] = [];
  letters: Letter[] = [];
  /** The highest log start that a leader has decided. */
  startOffset = 0;
  nowMs = 0;
  readonly #generations = new Map<Broker, number>();
  readonly #plant: Plant;
  readonly #minIsr: number;
  #view: Omit<PartitionView, 'eligible' | 'minIsr'>;
  /** Whose fetch is being answered. */
  #asking: { readonly broker: Broker; readonly brokerEpoch: number } | null = null;
  #nextValue = 1;
  readonly #productions = new Map<number, Production>();
  /** What the idempotent producer has sent and not heard of, in the order of its sequences. */
  #outstanding: Production[] = [];
  #producerEpoch = 0;
  #nextSequence = 0;
  #nextBrokerEpoch = 1;

  constructor(minIsr: number, plant: Plant = (effect) => [effect]) {
    this.#plant = plant;
    this.#minIsr = minIsr;
    const ids = [1, 2, 3];
    this.#view = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, replicas: ids, isr: ids };
    this.brokers = ids.map((id) => ({
      id,
      epoch: 0,
      isUp: false,
      isFenced: true,
      records: [],
      startOffset: 0,
      flushed: 0,
      replica: null,
    }));
    for (const broker of this.brokers) {
      this.start(broker.id);
      broker.isFenced = false;
    }
    for (const broker of this.brokers) this.tell(broker.id);
  }

  get view(): PartitionView {
    const eligible = new Map<number, number>();
    for (const { id, epoch, isFenced } of this.brokers) if (!isFenced) eligible.set(id, epoch);
    return { ...this.#view, minIsr: this.#minIsr, eligible };
  }

  broker(id: number): Broker {
    const found = this.brokers.find((broker) => broker.id === id);
    if (found === undefined) throw new Error(`no broker ${id}`);
    return found;
  }

  /** A new incarnation registers: whatever the one before was in sync with, it is not (last member aside). */
  start(id: number): void {
    const broker = this.broker(id);
    if (broker.isUp) return;
    broker.isUp = true;
    broker.isFenced = true;
    broker.epoch = this.#nextBrokerEpoch++;
    this.#settle();
    const epochs = broker.records.map(({ epoch }, startOffset) => ({ epoch, startOffset }));
    const produced = producedIn(broker.records, 0);
    const { startOffset: logStartOffset } = broker;
    const logEndOffset = broker.records.length;
    const recovered = { brokerEpoch: broker.epoch, epochs, logStartOffset, logEndOffset, produced };
    broker.flushed = broker.records.length;
    broker.replica = new Replica({ ...config, brokerId: id }, recovered, this.nowMs);
    this.step(broker, { type: 'leaseChanged', holdsLease: true, brokerEpoch: broker.epoch });
  }

  /** `keeps`: how many of the records that it has not flushed survive. */
  crash(id: number, keeps: number): void {
    const broker = this.broker(id);
    broker.isUp = false;
    broker.replica = null;
    broker.records = broker.records.slice(0, broker.flushed + keeps);
  }

  /** The controller fences a broker; the broker may know nothing of it for long. */
  fence(id: number): void {
    const broker = this.broker(id);
    broker.isFenced = true;
    this.#settle();
  }

  unfence(id: number): void {
    const broker = this.broker(id);
    if (!broker.isUp) return;
    broker.isFenced = false;
    this.#settle();
  }

  /** The broker reads how things stand with the controller. */
  tell(id: number): void {
    const broker = this.broker(id);
    if (broker.replica === null) return;
    this.step(broker, { type: 'partitionChanged', view: this.view });
  }

  /** One record without a producer. */
  produce(id: number): void {
    this.#send(id, { value: this.#nextValue++, producer: null });
  }

  /** The idempotent producer sends its next record, or again one that it has not heard of; `choice` says which. */
  produceNumbered(id: number, choice: number): void {
    const again = this.#outstanding[choice % (this.#outstanding.length + 1)];
    if (again === undefined && this.#outstanding.length < 5) {
      const baseSequence = this.#nextSequence++;
      const producer = { producerId: 1, producerEpoch: this.#producerEpoch, baseSequence };
      this.#outstanding.push({ value: this.#nextValue++, producer });
    }
    const production = again ?? this.#outstanding.at(-1);
    if (production !== undefined) this.#send(id, production);
  }

  /** It begins anew, and forgets what it has not heard of. */
  restartProducer(): void {
    this.#producerEpoch++;
    this.#nextSequence = 0;
    this.#outstanding = [];
  }

  /** What is older than the last `keeps` records need not be kept. */
  retain(id: number, keeps: number): void {
    const broker = this.broker(id);
    const logStartOffset = Math.max(0, broker.records.length - keeps);
    this.step(broker, { type: 'retentionDue', logStartOffset });
  }

  #send(id: number, production: Production): void {
    const broker = this.broker(id);
    const produceId = this.#productions.size + 1;
    this.#productions.set(produceId, production);
    const { producer } = production;
    if (broker.replica === null) return;
    this.step(broker, { type: 'produceRequested', produceId, recordCount: 1, producer });
  }

  flush(id: number): void {
    const broker = this.broker(id);
    if (broker.replica === null) return;
    broker.flushed = broker.records.length;
    const generation = this.#generations.get(broker) ?? 0;
    this.step(broker, { type: 'flushed', endOffset: broker.flushed, generation });
  }

  deliver(at: number, isLost: boolean): void {
    const [letter] = this.letters.splice(at % Math.max(1, this.letters.length), 1);
    if (letter === undefined || isLost) return;
    const broker = letter.to === 0 ? null : this.broker(letter.to);
    if (broker !== null && (broker.replica === null || broker.epoch !== letter.brokerEpoch)) return;
    letter.run();
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const broker of this.brokers) this.step(broker, { type: 'wake' });
  }

  step(broker: Broker, input: DistributiveOmit<ReplicaInput, 'nowMs'>): void {
    if (broker.replica === null) return;
    const { effects } = broker.replica.step({ ...input, nowMs: this.nowMs });
    for (const effect of effects) {
      for (const planted of this.#plant(effect, this)) this.#run(broker, planted);
    }
  }

  #run(broker: Broker, effect: ReplicaEffect): void {
    switch (effect.type) {
      case 'append':
        if (effect.produceId !== null) {
          broker.records.push({ epoch: effect.epochs[0]?.epoch ?? 0, ...this.#production(effect.produceId) });
        }
        return;
      case 'truncate':
        broker.records = broker.records.slice(0, effect.to);
        broker.flushed = Math.min(broker.flushed, effect.to);
        this.#generations.set(broker, effect.generation);
        if (effect.rebuildsProducers) this.#rebuildProducers(broker, effect.to);
        return;
      case 'advanceLogStart':
        broker.records = broker.records.map((record, at) =>
          at < effect.to ? removed(record.epoch) : record,
        );
        broker.startOffset = effect.to;
        if (broker.replica?.role === 'leader') this.startOffset = Math.max(this.startOffset, effect.to);
        return;
      case 'reset':
        broker.records = Array.from({ length: effect.to }, () => removed(effect.epochBefore));
        broker.startOffset = effect.to;
        broker.flushed = effect.to;
        this.#generations.set(broker, effect.generation);
        return;
      case 'sendFetch':
        this.#post(effect.leader, (leader) => {
          this.#asking = { broker, brokerEpoch: broker.epoch };
          this.step(leader, { type: 'fetchReceived', fetchId: effect.fetchId, request: effect.request });
        });
        return;
      case 'answerFetch': {
        const asking = this.#asking;
        if (asking === null) return;
        const { fetchId, answer } = effect;
        const records =
          answer.kind === 'records' ? broker.records.slice(answer.fetchOffset, answer.endOffset) : [];
        this.letters.push({
          to: asking.broker.id,
          brokerEpoch: asking.brokerEpoch,
          run: () => {
            const before = asking.broker.replica?.logEndOffset ?? 0;
            const produced = answer.kind === 'records' ? producedIn(records, answer.fetchOffset) : [];
            this.step(asking.broker, { type: 'fetchAnswered', fetchId, answer, produced });
            const after = asking.broker.replica?.logEndOffset ?? 0;
            // The bytes came with the answer.
            if (after > before) asking.broker.records.push(...records);
          },
        });
        return;
      }
      case 'proposeIsr':
        this.#propose(broker, effect);
        return;
      case 'completeProduce':
        this.#acknowledge(effect.baseOffset, this.#production(effect.produceId));
        return;
      case 'highWatermarkAdvanced':
      case 'failProduce':
        return;
    }
  }

  #production(produceId: number): Production {
    const production = this.#productions.get(produceId);
    if (production === undefined) throw new Error(`nothing was produced as ${produceId}`);
    return production;
  }

  #acknowledge(offset: number, { value }: Production): void {
    this.acknowledged.push({ offset, value });
    this.#outstanding = this.#outstanding.filter((production) => production.value !== value);
  }

  /** It takes a while to read through a log. */
  #rebuildProducers(broker: Broker, to: number): void {
    const generation = this.#generations.get(broker) ?? 0;
    this.letters.push({
      to: broker.id,
      brokerEpoch: broker.epoch,
      run: () => {
        const produced = producedIn(broker.records.slice(0, to), 0);
        this.step(broker, { type: 'producersRebuilt', produced, generation });
      },
    });
  }

  #post(to: number, run: (broker: Broker) => void): void {
    const broker = this.broker(to);
    this.letters.push({ to, brokerEpoch: broker.epoch, run: () => run(broker) });
  }

  #propose(broker: Broker, effect: Extract<ReplicaEffect, { type: 'proposeIsr' }>): void {
    const { proposalId, leaderEpoch, partitionEpoch, newIsr } = effect;
    this.letters.push({
      to: 0,
      brokerEpoch: 0,
      run: () => {
        const answer = this.#decide(broker.id, leaderEpoch, partitionEpoch, newIsr);
        this.letters.push({
          to: broker.id,
          brokerEpoch: broker.epoch,
          run: () => this.step(broker, { type: 'proposalAnswered', proposalId, answer }),
        });
      },
    });
    // Its connection may break before any answer: then it hears that nothing is known.
    this.letters.push({
      to: broker.id,
      brokerEpoch: broker.epoch,
      run: () => this.step(broker, { type: 'proposalAnswered', proposalId, answer: { kind: 'unknown' } }),
    });
  }

  #decide(leader: number, leaderEpoch: number, partitionEpoch: number, newIsr: readonly ProposedMember[]) {
    const view = this.view;
    if (leaderEpoch < view.leaderEpoch) return { kind: 'refused', code: 'FENCED_LEADER_EPOCH' } as const;
    if (leader !== view.leader) return { kind: 'refused', code: 'INVALID_REQUEST' } as const;
    if (partitionEpoch < view.partitionEpoch) {
      return { kind: 'refused', code: 'INVALID_UPDATE_VERSION' } as const;
    }
    const isBad = newIsr.some(({ brokerId, brokerEpoch }) => view.eligible.get(brokerId) !== brokerEpoch);
    if (isBad) return { kind: 'refused', code: 'INELIGIBLE_REPLICA' } as const;
    const isr = newIsr.map(({ brokerId }) => brokerId);
    this.#view = { ...this.#view, isr, partitionEpoch: partitionEpoch + 1 };
    return { kind: 'accepted', partitionEpoch: partitionEpoch + 1, isr, minIsr: this.#minIsr } as const;
  }

  /** Today's rule of the controller: see src/metadata/resources/topic/leadership.ts. */
  #settle(): void {
    const { isr, leader, replicas, leaderEpoch, partitionEpoch } = this.#view;
    const isActive = (id: number): boolean => !this.broker(id).isFenced;
    const active = isr.filter(isActive);
    const last = isr.includes(leader) ? [leader] : isr.slice(0, 1);
    const newIsr = active.length > 0 ? active : isr.length <= 1 ? isr : last;
    const canLead = (id: number): boolean => newIsr.includes(id) && isActive(id);
    const newLeader = leader > 0 && canLead(leader) ? leader : (replicas.find(canLead) ?? -1);
    if (newLeader === leader && newIsr.length === isr.length) return;
    const isNamed = newLeader !== leader;
    this.#view = {
      leader: newLeader,
      leaderEpoch: leaderEpoch + (isNamed ? 1 : 0),
      partitionEpoch: partitionEpoch + 1,
      replicas,
      isr: newIsr,
    };
  }
}

function removed(epoch: number): StoredRecord {
  return { epoch, value: 0, producer: null };
}

/** What stands at `baseOffset` and behind, as far as it has a producer. */
export function producedIn(records: readonly StoredRecord[], baseOffset: number): readonly ProducedBatch[] {
  return records.flatMap(({ producer }, at) => {
    const offset = baseOffset + at;
    return producer === null ? [] : [{ ...producer, baseOffset: offset, endOffset: offset + 1 }];
  });
}

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;
