import type { BrokerView, ClusterView } from './watcher.ts';

/** Turns what is seen into lines for people, one for each change. */
export class Narrator {
  readonly #say: (line: string) => void;
  #leader: ClusterView['leader'] = null;
  #hasHadLeader = false;
  #isReady = false;
  readonly #brokers = new Map<number, BrokerView>();
  /** Epochs of the brokers of this run: what the cluster still holds of an earlier one is no news. */
  readonly #epochs = new Map<number, number>();
  readonly #brokerCount: number;
  readonly #onReady: (leaderId: number) => void;

  /** `onReady` is called once: when somebody leads and every broker is unfenced. */
  constructor(brokerCount: number, say: (line: string) => void, onReady: (leaderId: number) => void) {
    this.#brokerCount = brokerCount;
    this.#say = say;
    this.#onReady = onReady;
  }

  registered(brokerId: number, epoch: number): void {
    this.#epochs.set(brokerId, epoch);
  }

  saw(view: ClusterView): void {
    this.#sawLeader(view.leader);
    for (const broker of view.brokers ?? []) {
      const epoch = this.#epochs.get(broker.id);
      if (epoch !== undefined && broker.epoch >= epoch) this.#sawBroker(broker);
    }
    if (view.brokers !== null) this.#sawAbsence(view.brokers);
    const unfenced = [...this.#brokers.values()].filter((broker) => !broker.isFenced);
    if (this.#isReady || view.leader === null || unfenced.length < this.#brokerCount) return;
    this.#isReady = true;
    this.#onReady(view.leader.id);
  }

  #sawLeader(leader: ClusterView['leader']): void {
    const before = this.#leader;
    this.#leader = leader;
    if (leader === null) {
      if (before !== null) this.#say(`nobody leads: controller ${before.id} no longer does`);
      return;
    }
    if (before?.id === leader.id && before.epoch === leader.epoch) return;
    const word = this.#hasHadLeader ? 'leads now' : 'leads';
    this.#hasHadLeader = true;
    this.#say(`controller ${leader.id} ${word}, epoch ${leader.epoch}`);
  }

  #sawBroker(broker: BrokerView): void {
    const before = this.#brokers.get(broker.id);
    this.#brokers.set(broker.id, broker);
    const leads = broker.leads === 1 ? '1 partition' : `${broker.leads} partitions`;
    if (before?.isFenced !== broker.isFenced) {
      if (!broker.isFenced) this.#say(`broker ${broker.id} is unfenced: it may lead partitions`);
      else if (before !== undefined)
        this.#say(
          `broker ${broker.id} is fenced: ${broker.leads === 0 ? 'others lead in its place' : `it still leads ${leads}`}`,
        );
    } else if (broker.isLeaving && before !== undefined && !before.isLeaving) {
      this.#say(`broker ${broker.id} is leaving: its partitions get other leaders first`);
    } else if (before !== undefined && before.leads !== broker.leads) {
      this.#say(`broker ${broker.id} leads ${leads}`);
    }
  }

  #sawAbsence(brokers: readonly BrokerView[]): void {
    const present = new Set(brokers.map((broker) => broker.id));
    for (const id of this.#brokers.keys()) {
      if (present.has(id)) continue;
      this.#brokers.delete(id);
      this.#say(`broker ${id} is no longer registered`);
    }
  }
}
