import { randomBytes } from 'node:crypto';
import { seededRandom } from '../../../src/base/random.ts';
import { uuidFromBytes } from '../../../src/base/uuid.ts';
import { brokerClientOptions, createBrokerOver } from '../../../src/client/broker.ts';
import { type Broker, createClient, type Client, type WatchEvent } from '../../../src/client/index.ts';
import { nodeClock } from '../../../src/client/node-clock.ts';
import type { BrokerControl, CommandPlaces } from '../../../src/conformance/broker-control.ts';
import type { ControlFault } from './control-faults.ts';
import type { DataFault } from './data-faults.ts';
import { DataPlane } from './data-plane.ts';
import { Lease } from './lease.ts';
import { pause, withFaults } from './faulty-client.ts';

const brokerId = 7;

/** One life of the broker's process. */
type Life = {
  readonly broker: Broker;
  readonly clients: readonly Client[];
  readonly data: DataPlane | null;
  readonly lease: Lease;
};

export type Fault = ControlFault | DataFault;

/**
 * A broker of the SDK's agent, in this process: correct without faults, and otherwise wrong in what they say and in
 * nothing else.
 */
export class TestBroker implements BrokerControl {
  readonly #places: CommandPlaces;
  readonly #faults: ReadonlySet<Fault>;
  readonly #hasData: boolean;
  readonly #firstIncarnationId = uuidFromBytes(randomBytes(16));
  #life: Life | null = null;

  /** `hasData`: it keeps records, too. */
  constructor(places: CommandPlaces, faults: readonly Fault[] = [], hasData = false) {
    this.#hasData = hasData;
    this.#places = places;
    this.#faults = new Set(faults);
  }

  get isRunning(): boolean {
    return this.#life !== null;
  }

  async start(): Promise<void> {
    if (this.#life !== null) return;
    const all = this.#places.controllers.split(',');
    const controllers = this.#has('knows one controller') ? all.slice(0, 1) : all;
    const follows = !this.#has('resumes its watch whatever it is told') && !this.#has(leavesAtUnknown);
    const watcher = follows ? null : createClient({ endpoints: controllers });
    const metadata = { offset: 0 };
    const lease = new Lease((fault) => this.#has(fault));
    const data = await this.#startData(controllers, lease);
    const options = {
      controllers,
      id: brokerId,
      listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: data?.port ?? 9092 }],
      ...(follows ? {} : { metadataOffset: () => metadata.offset }),
      ...(data === null ? {} : { metadataOffset: () => data.offset }),
    };
    const client = createClient({
      ...brokerClientOptions(options),
      ...(this.#has('waits for ever for the answer to a heartbeat') ? { attemptTimeoutMs: 30_000 } : {}),
    });
    const keeps = this.#has('keeps its incarnation id over a restart');
    const broker = createBrokerOver(options, {
      client: withFaults(client, this.#faults, lease),
      clock: nodeClock,
      random: seededRandom(randomBytes(4).readUInt32LE()),
      incarnationId: keeps ? this.#firstIncarnationId : uuidFromBytes(randomBytes(16)),
    });
    lease.broker = broker;
    const life = { broker, clients: watcher === null ? [client] : [client, watcher], data, lease };
    this.#life = life;
    if (watcher !== null) void this.#watch(watcher, broker, metadata);
    void broker.stopped.then(() => this.#end(life));
  }

  async kill(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    await life.broker.close({ timeoutMs: 0 });
    await this.#end(life);
  }

  stop(): void {
    const life = this.#life;
    if (life === null) return;
    if (this.#has('goes without leaving')) void this.kill();
    else if (life.data === null) void life.broker.close();
    else void this.#leave(life).catch(() => life.broker.close());
  }

  /** It has itself fenced first, as a broker does whose disk fails, and has stopped leading by then. */
  async #leave({ broker, clients, lease }: Life): Promise<void> {
    if (!this.#has('asks to be fenced while it leads')) lease.giveUp();
    const { brokerEpoch } = broker;
    const [client] = clients;
    if (brokerEpoch !== null) {
      const input = { brokerId, brokerEpoch, metadataOffset: broker.metadataOffset, wantFence: true };
      await client?.heartbeatBroker(input);
    }
    await broker.close();
  }

  async #startData(controllers: readonly string[], lease: Lease): Promise<DataPlane | null> {
    if (!this.#hasData) return null;
    const data = new DataPlane({
      brokerId,
      controllers,
      has: (fault) => this.#has(fault),
      brokerEpoch: () => lease.broker?.brokerEpoch ?? -1,
      holdsLease: () => lease.isHeld,
    });
    await data.start();
    return data;
  }

  #has(fault: Fault): boolean {
    return this.#faults.has(fault);
  }

  async #end(life: Life): Promise<void> {
    if (this.#life === life) this.#life = null;
    await Promise.all([...life.clients.map((client) => client.close()), life.data?.close()]);
  }

  #take(event: WatchEvent, broker: Broker, metadata: { offset: number }): 'state' | null {
    if (event.kind === 'stateEnd' || event.kind === 'bookmark') metadata.offset = event.offset;
    if (event.kind === 'stateEnd') return 'state';
    if (event.kind !== 'delta') return null;
    metadata.offset = event.endOffset;
    const isUnknown = event.records.some(({ type }) => type.startsWith('kind.'));
    if (isUnknown && this.#has(leavesAtUnknown)) void broker.close();
    return null;
  }

  /** A watch of its own, without any of the care that the SDK's takes. */
  async #watch(client: Client, broker: Broker, metadata: { offset: number }): Promise<void> {
    while (broker.state !== 'stopped') {
      await this.#watchOnce(client, broker, metadata).catch(() => pause(50));
    }
  }

  async #watchOnce(client: Client, broker: Broker, metadata: { offset: number }): Promise<void> {
    const begins = metadata.offset === 0 || this.#has(leavesAtUnknown);
    for await (const event of client.watch(begins ? {} : { since: metadata.offset })) {
      // From here on it says where it wants to begin, and so is told when it cannot.
      if (this.#take(event, broker, metadata) === 'state' && !this.#has(leavesAtUnknown)) return;
    }
  }
}

const leavesAtUnknown = 'leaves when it meets records that it does not know' satisfies ControlFault;
