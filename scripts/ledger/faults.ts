import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/base/random.ts';
import type { ReferenceBroker } from '../../bench/processes/reference-broker.ts';
import type { LedgerCluster } from './cluster.ts';
import type { Leaders } from './leaders.ts';
import type { Transcript } from './transcript.ts';

/** Between one fault's end and the next one's beginning, so that data moves at all. */
export type Gaps = { readonly brokerMs: number; readonly controllerMs: number };

export type FaultsOptions = {
  readonly cluster: LedgerCluster;
  readonly leaders: Leaders;
  readonly transcript: Transcript;
  readonly random: Random;
  readonly gaps: Gaps;
  readonly stopping: AbortSignal;
};

type Fault = { readonly weight: number; readonly run: () => Promise<void> };

const recoverTimeoutMs = 60_000;
const orderlyTimeoutMs = 120_000;

/** What becomes of processes, by chance from a seed: of brokers in one row, and of controllers in another beside it. */
export class Faults {
  readonly #options: FaultsOptions;
  #count = 0;

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  /** Returns when it was told to stop and every process runs again. */
  async run(): Promise<void> {
    const { random, gaps } = this.#options;
    await Promise.all([
      this.#row(random.fork(), gaps.brokerMs, (chance) => this.#brokerFaults(chance)),
      this.#row(random.fork(), gaps.controllerMs, (chance) => this.#controllerFaults(chance)),
    ]);
  }

  async #row(random: Random, gapMs: number, faultsOf: (random: Random) => readonly Fault[]): Promise<void> {
    const { stopping, cluster } = this.#options;
    for (;;) {
      await this.#unlessStopped(gapMs / 2 + random.integer(gapMs));
      if (stopping.aborted) return;
      cluster.expectNoneEnded();
      const faults = faultsOf(random);
      let chosen = random.integer(faults.reduce((total, { weight }) => total + weight, 0));
      const fault = faults.find(({ weight }) => (chosen -= weight) < 0);
      this.#count += 1;
      await fault?.run();
    }
  }

  #brokerFaults(random: Random): readonly Fault[] {
    const { cluster } = this.#options;
    const one = pick(random, cluster.brokers);
    const another = pick(
      random,
      cluster.brokers.filter((each) => each !== one),
    );
    const awayMs = random.chance(1, 3) ? 0 : random.integer(8_000);
    return [
      { weight: 6, run: () => this.#killBrokers([one], awayMs) },
      { weight: 3, run: () => this.#killBrokers([one, another], awayMs) },
      { weight: 1, run: () => this.#killBrokers(cluster.brokers, awayMs) },
      { weight: 6, run: () => this.#killLeaderBeforeItsFollowersSee(random) },
      { weight: 3, run: () => this.#standStill(`broker ${one.id}`, [one.child], 1_000 + 2 * awayMs) },
      { weight: 2, run: () => this.#leave(one, awayMs) },
    ];
  }

  #controllerFaults(random: Random): readonly Fault[] {
    const { cluster } = this.#options;
    const { controllers } = cluster.quorum;
    const one = pick(random, controllers);
    const awayMs = random.chance(1, 3) ? 0 : random.integer(6_000);
    return [
      { weight: 4, run: () => this.#killActiveController(awayMs) },
      { weight: 4, run: () => this.#killControllers([one.id], awayMs) },
      { weight: 1, run: () => this.#killControllers([0, 1, 2], awayMs) },
      { weight: 2, run: () => this.#standStill(`controller ${one.id}`, [one.child], 1_000 + awayMs) },
    ];
  }

  async #killBrokers(brokers: readonly ReferenceBroker[], awayMs: number): Promise<void> {
    const { cluster } = this.#options;
    this.#say(`kill -9 of ${named('broker', brokers)}, away for ${awayMs} ms`);
    await cluster.whileDown(brokers, async () => {
      await Promise.all(brokers.map((broker) => broker.killHard()));
      await pause(awayMs);
      for (const broker of brokers) await broker.start();
    });
    await this.#untilBack();
  }

  /** What it acknowledges meanwhile without having heard of them is lost with it. */
  async #killLeaderBeforeItsFollowersSee(random: Random): Promise<void> {
    const { cluster, leaders } = this.#options;
    const led = leaders.known.filter(({ leader }) => leader > 0);
    if (led.length === 0) return;
    const { topic, partition, leader, replicas } = pick(random, led);
    const victim = cluster.broker(leader);
    const followers = replicas.filter((id) => id !== leader).map((id) => cluster.broker(id));
    const what = `the leader of ${topic}/${partition}, broker ${leader}`;
    this.#say(`${named('broker', followers)} stand still, then kill -9 of ${what}`);
    for (const { child } of followers) child.signal('SIGSTOP');
    await pause(500 + random.integer(1_000));
    await cluster.whileDown([victim], async () => {
      await victim.killHard();
      for (const { child } of followers) child.signal('SIGCONT');
      await pause(2_000 + random.integer(4_000));
      await victim.start();
    });
    await this.#untilBack();
  }

  async #standStill(
    name: string,
    children: readonly { signal(signal: NodeJS.Signals): void }[],
    forMs: number,
  ): Promise<void> {
    this.#say(`${name} stands still for ${forMs} ms`);
    for (const child of children) child.signal('SIGSTOP');
    await pause(forMs);
    for (const child of children) child.signal('SIGCONT');
    await this.#untilBack();
  }

  async #leave(broker: ReferenceBroker, awayMs: number): Promise<void> {
    this.#say(`SIGTERM of broker ${broker.id}, away for ${awayMs} ms`);
    await this.#options.cluster.whileDown([broker], async () => {
      broker.child.signal('SIGTERM');
      const end = await broker.child.waitForEnd(orderlyTimeoutMs);
      // One that was started a moment ago does not listen to signals yet, and is ended by this one.
      const isInOrder = end.code === 0 || end.signal === 'SIGTERM';
      if (!isInOrder) throw new Error(`broker ${broker.id} did not leave in order: ${broker.dump()}`);
      await pause(awayMs);
      await broker.start();
    });
    await this.#untilBack();
  }

  async #killActiveController(awayMs: number): Promise<void> {
    const views = await this.#options.cluster.quorum.views();
    const active = views.find((view) => view?.active === true)?.nodeId ?? 0;
    await this.#killControllers([active], awayMs);
  }

  async #killControllers(ids: readonly number[], awayMs: number): Promise<void> {
    const { cluster } = this.#options;
    const controllers = ids.map((id) => cluster.quorum.controller(id));
    this.#say(`kill -9 of ${named('controller', controllers)}, away for ${awayMs} ms`);
    await cluster.whileDown(controllers, async () => {
      await Promise.all(controllers.map((controller) => controller.killHard()));
      await pause(awayMs);
      for (const controller of controllers) await controller.start();
    });
  }

  /** Where it takes longer, the next fault finds it so. */
  async #untilBack(): Promise<void> {
    await this.#options.cluster.waitUntilUnfenced(recoverTimeoutMs).catch(() => undefined);
  }

  async #unlessStopped(forMs: number): Promise<void> {
    await pause(forMs, undefined, { signal: this.#options.stopping }).catch(() => undefined);
  }

  #say(text: string): void {
    this.#options.transcript.say(text);
  }
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[random.integer(items.length)];
  if (item === undefined) throw new Error('there is nothing to choose from');
  return item;
}

function named(kind: string, all: readonly { readonly id: number }[]): string {
  return `${kind}${all.length === 1 ? '' : 's'} ${all.map(({ id }) => id).join(', ')}`;
}
