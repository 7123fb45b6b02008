import { assert, assertDefined } from '../base/assert.ts';
import { type NodeId, nodeId } from '../base/brands.ts';
import { hashIntegers, type Random, seededRandom } from '../base/random.ts';
import { randomUuid } from '../base/uuid.ts';
import type { Broker, BrokerOptions } from '../client/broker-api.ts';
import { brokerClientOptions, createBrokerOver } from '../client/broker.ts';
import { type Client, createClientOver } from '../client/create-client.ts';
import type { ClientOptions, ClientPorts } from '../client/operations-client.ts';
import type { ControllerSettings } from '../runtime/node-options.ts';
import { resolveSettings } from '../server/settings.ts';
import { Connections } from './connections.ts';
import { HostedNode } from './hosted-node.ts';
import { TurnedWorld } from './turned-world.ts';
import { quietLink } from './world/network.ts';
import type { SimulatedProcess } from './world/process.ts';
import { type Registry, registryOf } from '../metadata/registry.ts';
import type { Policies } from '../metadata/policy.ts';
import type { ResourceKind } from '../metadata/resources/custom/kind.ts';

export type TestQuorumOptions = {
  /** How many controllers there are, 3 when absent; their ids begin at 0. */
  readonly controllers?: number;
  /** The same seed lets the same things happen at the same times, whatever the machine. */
  readonly seed?: number;
  /** As `createController` takes them, `{ brokerSessionTimeoutMs: 3_000 }`. */
  readonly settings?: Readonly<Record<string, number>>;
  /** Kinds of metadata of your own, as `createController` takes them. */
  readonly resources?: readonly ResourceKind[];
  /** What you forbid, as `createController` takes it. */
  readonly policies?: Policies;
};

/** A controller by its id, or a broker or client that this quorum has made: each is a process of its own. */
export type Member = number | Broker | Client;

export type UntilOptions = {
  /** In virtual time; a minute when absent. */
  readonly withinMs?: number;
};

/** Rather small, because every file is held in memory. */
const smallFiles = {
  segmentBytes: 1024 * 1024,
  logRetentionBytes: 1024 * 1024,
  checkpointBytes: 1024 * 1024,
};

/** However long anything is waited for, in virtual time. */
const untilDefaultMs = 60_000;

/**
 * A quorum of controllers in memory, and brokers and clients of the SDK beside it, all of them production code. Time
 * is virtual and passes only in `advance` and `until`; nothing runs in between.
 */
export class TestQuorum {
  /** What brokers and clients that this quorum makes are given. */
  readonly endpoints: readonly string[];
  readonly #world: TurnedWorld;
  readonly #nodes: HostedNode[] = [];
  readonly #addresses = new Map<NodeId, SimulatedProcess>();
  readonly #connections: Connections;
  readonly #settings: ControllerSettings;
  readonly #registry: Registry;
  readonly #policies: Policies;
  readonly #processes = new Map<Broker | Client, SimulatedProcess>();
  readonly #random: Random;
  #cuts: (readonly [SimulatedProcess, SimulatedProcess])[] = [];

  constructor({
    controllers = 3,
    seed = 1,
    settings = {},
    resources = [],
    policies = {},
  }: TestQuorumOptions = {}) {
    this.#registry = registryOf(resources);
    this.#policies = policies;
    assert(Number.isSafeInteger(controllers) && controllers > 0, 'a quorum has at least one controller');
    const resolved = resolveSettings({ ...smallFiles, ...settings });
    if (!resolved.ok) throw new TypeError(resolved.error);
    this.#settings = resolved.value.node;
    this.#world = new TurnedWorld(seed);
    this.#world.network.behaviour = { ...quietLink, isOrdered: true };
    this.#random = seededRandom(hashIntegers(seed, 0x74657374));
    for (let index = 0; index < controllers; index++) {
      const id = nodeId(index);
      const process = this.#world.addProcess(`controller ${index}`, { driftPpm: 0, wallOffsetMs: 0 });
      this.#addresses.set(id, process);
      this.#nodes.push(new HostedNode({ id, world: this.#world, process, addresses: this.#addresses, seed }));
    }
    this.endpoints = this.#nodes.map(({ id }) => `http://controller-${id}`);
    this.#connections = new Connections(this.#world, this.#nodes);
    for (const node of this.#nodes) this.#start(node);
  }

  /** Virtual time since the quorum was made. */
  get nowMs(): number {
    return this.#world.nowUs / 1000;
  }

  /** The controller that serves as the leader, as itself believes; null while there is none. */
  get leader(): number | null {
    return this.#nodes.find(({ node }) => node?.status().active === true)?.id ?? null;
  }

  createClient(options: Omit<ClientOptions, 'endpoints' | 'tls' | 'token'> = {}): Client {
    const process = this.#addMember('client');
    const client = createClientOver({ ...options, endpoints: this.endpoints }, this.#portsOf(process));
    this.#processes.set(client, process);
    return client;
  }

  createBroker(options: Omit<BrokerOptions, 'controllers' | 'tls' | 'token'>): Broker {
    const process = this.#addMember(`broker ${options.id}`);
    const ports = this.#portsOf(process);
    const whole: BrokerOptions = { ...options, controllers: this.endpoints };
    const broker = createBrokerOver(whole, {
      client: createClientOver(brokerClientOptions(whole), ports),
      clock: ports.clock,
      random: ports.random.fork(),
      incarnationId: randomUuid(ports.random),
    });
    this.#processes.set(broker, process);
    return broker;
  }

  /** Lets so much time pass. */
  async advance(forMs: number): Promise<void> {
    const untilUs = this.#world.nowUs + Math.ceil(forMs * 1000);
    await this.#world.turn(untilUs, () => false);
  }

  /**
   * Lets time pass until a promise settles, which it gives or throws, or until a condition holds. It throws when that
   * does not come within `withinMs` of virtual time, a minute when absent.
   */
  async until<Value>(awaited: Promise<Value>, options?: UntilOptions): Promise<Value>;
  async until(condition: () => boolean, options?: UntilOptions): Promise<void>;
  async until<Value>(
    awaited: Promise<Value> | (() => boolean),
    { withinMs = untilDefaultMs }: UntilOptions = {},
  ): Promise<Value | void> {
    const untilUs = this.#world.nowUs + Math.ceil(withinMs * 1000);
    const isDone = typeof awaited === 'function' ? awaited : isSettled(awaited);
    if (await this.#world.turn(untilUs, isDone))
      return typeof awaited === 'function' ? undefined : await awaited;
    throw new Error(`It did not come within ${withinMs} ms of virtual time. ${this.#describe()}`);
  }

  /** Ends a process at once, as `kill -9` does. What a controller has flushed is there when it starts again. */
  kill(member: Member): void {
    if (typeof member === 'number') {
      const node = this.#nodeOf(member);
      assert(node.process.isUp, `controller ${member} is down already`);
      node.kill();
      this.#connections.nodeEnded(node);
      return;
    }
    this.#processOf(member).end();
  }

  /** Starts a controller that was killed, with what is on its disk; `resources` as another release has them. */
  start(controller: number, { resources }: Pick<TestQuorumOptions, 'resources'> = {}): void {
    const node = this.#nodeOf(controller);
    assert(!node.process.isUp, `controller ${controller} runs already`);
    this.#start(node, resources === undefined ? this.#registry : registryOf(resources));
  }

  /** Stops a process where it stands for so long, as SIGSTOP does: time passes for it, and nothing happens. */
  pause(member: Member, forMs: number): void {
    this.#processOf(member).pause(Math.ceil(forMs * 1000));
  }

  /** Cuts every connection between a member of one side and one of the other, until `heal`. */
  partition(side: readonly Member[], other: readonly Member[]): void {
    const [left, right] = [side, other].map((members) => members.map((member) => this.#processOf(member)));
    for (const one of left ?? []) {
      for (const two of right ?? []) {
        assert(one !== two, 'a member stands on one side of a partition');
        this.#cut(one, two);
        this.#cut(two, one);
      }
    }
  }

  /** Every partition ends. */
  heal(): void {
    for (const [from, to] of this.#cuts) this.#world.network.mend(from, to);
    this.#cuts = [];
  }

  #cut(from: SimulatedProcess, to: SimulatedProcess): void {
    this.#world.network.cut(from, to);
    this.#cuts.push([from, to]);
  }

  #start(node: HostedNode, registry = this.#registry): void {
    const configuredVoters = this.#nodes.map(({ id }) => id);
    node.start({ configuredVoters, settings: this.#settings, registry, policies: this.#policies });
    this.#connections.nodeStarted(node);
  }

  #addMember(name: string): SimulatedProcess {
    const process = this.#world.addProcess(name, { driftPpm: 0, wallOffsetMs: 0 });
    process.begin();
    this.#world.watch(process);
    return process;
  }

  #portsOf(process: SimulatedProcess): ClientPorts {
    return {
      exchange: this.#connections.exchangeOf(process),
      streams: this.#connections.streamsOf(process),
      clock: process.clock(),
      random: this.#random.fork(),
    };
  }

  #nodeOf(controller: number): HostedNode {
    return assertDefined(this.#nodes[controller], `there is no controller ${controller}`);
  }

  #processOf(member: Member): SimulatedProcess {
    if (typeof member === 'number') return this.#nodeOf(member).process;
    return assertDefined(this.#processes.get(member), 'a member is made by the quorum that it stands beside');
  }

  #describe(): string {
    const nodes = this.#nodes.map(({ id, node, fatal, started }) => {
      if (node === null) return `Controller ${id} is down.`;
      if (started?.ok === false) return `Controller ${id} has not started: ${started.error.message}.`;
      const { role, epoch, leaderId } = node.status();
      const well = fatal === null ? '' : ` It has stopped: ${fatal}.`;
      return `Controller ${id} is ${role} in epoch ${epoch} and follows ${leaderId ?? 'nobody'}.${well}`;
    });
    return nodes.join(' ');
  }
}

function isSettled(promise: Promise<unknown>): () => boolean {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  return () => settled;
}

/** A quorum in memory that begins to elect its leader as soon as time passes. */
export function createTestQuorum(options: TestQuorumOptions = {}): TestQuorum {
  return new TestQuorum(options);
}
