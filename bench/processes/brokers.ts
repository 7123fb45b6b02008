import { join } from 'node:path';
import { projectFolder } from '../support/project.ts';
import { Child } from './child.ts';
import type { Controller } from './controller.ts';
import { field, listField, numberField } from './http.ts';
import { reservePorts, type ReservedPorts } from './ports.ts';
import type { Quorum } from './quorum.ts';
import { NotYet, waitFor, type WaitOptions } from './wait.ts';

const agentFile = join(projectFolder, 'bench', 'processes', 'agent-broker.mjs');

/** A broker as the cluster shows it. */
export type BrokerView = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly incarnationId: string;
  readonly isFenced: boolean;
  readonly leaderCount: number;
};

/** One broker: a real process that registers and sends heartbeats through the SDK's agent. */
export class Broker {
  readonly id: number;
  readonly #port: number;
  readonly #origins: readonly string[];
  #child: Child | null = null;

  constructor(id: number, port: number, origins: readonly string[]) {
    this.id = id;
    this.#port = port;
    this.#origins = origins;
  }

  get child(): Child {
    if (this.#child === null) throw new Error(`broker ${this.id} was never started`);
    return this.#child;
  }

  async start(): Promise<void> {
    if (this.#child !== null && this.#child.end === null) throw new Error(`broker ${this.id} runs already`);
    this.#child = await Child.start({
      name: `broker ${this.id}`,
      command: process.execPath,
      args: [agentFile, ...brokerArguments(this.id, this.#port, this.#origins)],
    });
  }

  async killHard(): Promise<void> {
    this.child.signal('SIGKILL');
    await this.child.ended;
  }

  dump(): string {
    return this.#child === null ? '' : this.#child.dump();
  }

  async close(): Promise<void> {
    await this.#child?.kill();
  }
}

/** Numbers and addresses, as `agent-broker.mjs` takes them. */
function brokerArguments(id: number, port: number, origins: readonly string[]): string[] {
  return [String(id), String(port), `rack-${id % 3}`, origins.join(',')];
}

/** Brokers 1, 2, … of one quorum. */
export class Brokers {
  readonly brokers: readonly Broker[];
  readonly #ports: ReservedPorts;

  private constructor(ports: ReservedPorts, origins: readonly string[]) {
    this.#ports = ports;
    this.brokers = ports.ports.map((port, index) => new Broker(index + 1, port, origins));
  }

  /** Starts `count` brokers and waits until the cluster counts on each of them. */
  static async start(quorum: Quorum, count: number): Promise<Brokers> {
    const brokers = new Brokers(await reservePorts(count), quorum.origins);
    try {
      await Promise.all(brokers.brokers.map((broker) => broker.start()));
      await brokers.waitUntilUnfenced(quorum);
    } catch (error) {
      await brokers.close();
      throw error;
    }
    return brokers;
  }

  broker(id: number): Broker {
    const found = this.brokers.find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  /** Waits until every broker whose process runs is registered and not fenced. */
  async waitUntilUnfenced(quorum: Quorum, options: WaitOptions = {}): Promise<readonly BrokerView[]> {
    const running = this.brokers.filter((broker) => broker.child.end === null);
    return await waitFor(
      'all brokers that run are unfenced',
      async () => {
        const views = await viewBrokers(quorum);
        if (views === null) return new NotYet('no controller answers');
        const active = views.filter(({ isFenced }) => !isFenced).map(({ brokerId }) => brokerId);
        const isDone = running.every(({ id }) => active.includes(id));
        return isDone ? views : new NotYet(`unfenced: ${active.join(', ') || 'none'}`);
      },
      { describe: () => `${this.dump()}\n${quorum.dump()}`, ...options },
    );
  }

  dump(): string {
    return this.brokers.map((broker) => broker.dump()).join('\n');
  }

  async close(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.close()));
    this.#ports.release();
  }
}

/** The brokers as the first controller that answers knows them; null when none does. */
async function viewBrokers(quorum: Quorum): Promise<readonly BrokerView[] | null> {
  for (const controller of quorum.controllers.filter((each) => each.isRunning)) {
    const views = await brokersOf(controller);
    if (views !== null) return views;
  }
  return null;
}

/** The brokers as the cluster knows them, asked through `controller`; null when it cannot say. */
export async function brokersOf(
  controller: Controller,
  timeoutMs = 2_000,
): Promise<readonly BrokerView[] | null> {
  const outcome = await controller.send('GET', '/v1/brokers?limit=1000', { timeoutMs });
  if (outcome.type !== 'answer' || outcome.status !== 200) return null;
  return listField(outcome.body, 'brokers').map((broker) => ({
    brokerId: numberField(broker, 'brokerId'),
    brokerEpoch: numberField(broker, 'brokerEpoch'),
    incarnationId: String(field(broker, 'incarnationId')),
    isFenced: field(broker, 'isFenced') === true,
    leaderCount: numberField(broker, 'leaderCount'),
  }));
}
