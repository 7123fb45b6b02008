import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brokersOf } from '../../bench/processes/brokers.ts';
import { Http } from '../../bench/processes/http.ts';
import { reservePorts, type ReservedPorts } from '../../bench/processes/ports.ts';
import { Quorum } from '../../bench/processes/quorum.ts';
import { ReferenceBroker } from '../../bench/processes/reference-broker.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';

type ClusterProcess = Quorum['controllers'][number] | ReferenceBroker;

/** Three controllers and some reference brokers on this machine, all of them processes, in one folder. */
export class LedgerCluster {
  readonly quorum: Quorum;
  readonly brokers: readonly ReferenceBroker[];
  readonly http = new Http();
  readonly #ports: ReservedPorts;
  /** Whom somebody is about to end, or has ended. */
  readonly #down = new Set<ClusterProcess>();

  private constructor(quorum: Quorum, ports: ReservedPorts, folder: string) {
    this.quorum = quorum;
    this.#ports = ports;
    this.brokers = ports.ports.map((port, at) => {
      const directory = join(folder, `broker-${at + 1}`);
      return new ReferenceBroker({ id: at + 1, port, directory, controllers: quorum.origins });
    });
  }

  static async start(folder: string, brokerCount: number): Promise<LedgerCluster> {
    const quorum = await Quorum.prepare({ folder });
    const cluster = new LedgerCluster(quorum, await reservePorts(brokerCount), folder);
    try {
      await quorum.start();
      await quorum.waitForLeader();
      for (const broker of cluster.brokers) {
        mkdirSync(broker.directory);
        await broker.start();
      }
      await cluster.waitUntilUnfenced();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  broker(id: number): ReferenceBroker {
    const found = this.brokers.find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  urlOf(brokerId: number): string {
    return this.broker(brokerId).url;
  }

  async waitUntilUnfenced(timeoutMs = 120_000): Promise<void> {
    await waitFor(
      'all brokers are unfenced',
      async () => {
        for (const controller of this.quorum.controllers.filter((each) => each.isRunning)) {
          const seen = await brokersOf(controller);
          if (seen === null) continue;
          const active = seen.filter(({ isFenced }) => !isFenced).map(({ brokerId }) => brokerId);
          const isDone = this.brokers.every(({ id }) => active.includes(id));
          return isDone ? true : new NotYet(`unfenced are ${active.join(', ') || 'none'}`);
        }
        return new NotYet('no controller answers');
      },
      { timeoutMs, pollMs: 100 },
    );
  }

  /** For as long as `work` takes, these may end and be started again. */
  async whileDown(processes: readonly ClusterProcess[], work: () => Promise<void>): Promise<void> {
    for (const each of processes) this.#down.add(each);
    await work();
    for (const each of processes) this.#down.delete(each);
  }

  /** A process that has ended though nobody ended it has met a fault of its own. */
  expectNoneEnded(): void {
    const all = [...this.quorum.controllers, ...this.brokers].filter((each) => !this.#down.has(each));
    const ended = all.filter(({ isRunning }) => !isRunning).map(({ child }) => child.dump());
    if (ended.length > 0) throw new Error(`ended by themselves:\n${ended.join('\n')}`);
  }

  /** What every process has printed last, beside what it has written. */
  writeOutputs(folder: string): void {
    const processes = [
      ...this.quorum.controllers.map(({ id, children }) => ({ name: `controller-${id}`, children })),
      ...this.brokers.map(({ id, child }) => ({ name: `broker-${id}`, children: [child] })),
    ];
    for (const { name, children } of processes) {
      const text = children.map(({ pid, output }) => `── pid ${pid}\n${output}\n`).join('\n');
      writeFileSync(join(folder, `${name}.output`), text);
    }
  }

  /** Ends every process; what they have written stays. */
  async close(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.close()));
    await this.quorum.close();
    await this.http.close();
    this.#ports.release();
  }
}
