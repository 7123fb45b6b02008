import { assertDefined } from '../../../src/base/assert.ts';
import { type NodeId, nodeId } from '../../../src/base/brands.ts';
import { hashIntegers, seededRandom } from '../../../src/base/random.ts';
import type { Result } from '../../../src/base/result.ts';
import type { ForwardMessage, Transport, TransportEvents } from '../../../src/ports/transport.ts';
import type { Endpoint, ReplicaKey } from '../../../src/raft/replica-key.ts';
import type { ControllerAnswer, ControllerRequest } from '../../../src/runtime/controller-api.ts';
import {
  type ControllerNode,
  createControllerNode,
  type StartError,
} from '../../../src/runtime/controller-node.ts';
import {
  type ControllerPorts,
  type ControllerSettings,
  defaultSettings,
  type NodeTransport,
  type SupportedVersions,
} from '../../../src/runtime/node-options.ts';
import { SimulatedStores } from '../../../src/testing/world/checkpoint-store.ts';
import { SimulatedDisk } from '../../../src/testing/world/files.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import { World } from '../../../simulator/world.ts';
import { runWorld } from './clock.ts';

export const quickSettings: ControllerSettings = {
  ...defaultSettings,
  raft: {
    ...defaultSettings.raft,
    electionTimeoutMs: 200,
    electionBackoffMaxMs: 200,
    fetchTimeoutMs: 400,
    requestTimeoutMs: 400,
    snapshotChunkBytesMax: 512,
  },
  segmentBytes: 16 * 1024,
  checkpointBytes: 1024 * 1024,
  logRetentionBytes: 4 * 1024,
  brokerSessionTimeoutMs: 2_000,
  diskReserveBytesMin: 64 * 1024,
};

export type QuorumOptions = {
  readonly count?: number;
  /** Further nodes, which nobody has configured as voters. */
  readonly observers?: number;
  readonly seed?: number;
  readonly settings?: Partial<ControllerSettings>;
  /** What a node of another release supports, by its place. */
  readonly supported?: ReadonlyMap<number, SupportedVersions>;
  /** The voters that the cluster is born with; all when absent. */
  readonly configured?: readonly number[];
};

/** One controller over all its lives: its disk and its stores outlast its processes. */
export class TestNode {
  readonly id: NodeId;
  readonly process: SimulatedProcess;
  readonly disk: SimulatedDisk;
  readonly stores: SimulatedStores;
  node: ControllerNode | null = null;
  started: Result<null, StartError> | null = null;
  fatal: string | null = null;
  readonly logged: string[] = [];
  /** Messages that arrive are handed to this first; false throws one away. */
  admit: (from: NodeId, message: Parameters<TransportEvents['onMessage']>[1]) => boolean = () => true;

  constructor(id: NodeId, process: SimulatedProcess, seed: number) {
    this.id = id;
    this.process = process;
    this.disk = new SimulatedDisk({ seed, directories: ['/data'] });
    this.stores = new SimulatedStores(seed);
  }

  get running(): ControllerNode {
    return assertDefined(this.node, `node ${this.id} is down`);
  }

  status(): ReturnType<ControllerNode['status']> {
    return this.running.status();
  }
}

/** Whole controllers under virtual time, over the simulated disk, stores and network. */
export class TestQuorum {
  readonly world: World;
  readonly nodes: TestNode[] = [];
  readonly settings: ControllerSettings;
  readonly #addresses = new Map<NodeId, SimulatedProcess>();
  readonly #seed: number;
  readonly #configured: readonly number[] | null;
  supported: ReadonlyMap<number, SupportedVersions>;
  #requestId = 0;

  readonly #founderCount: number;

  constructor({
    count = 3,
    observers = 0,
    seed = 1,
    settings = {},
    supported = new Map(),
    configured,
  }: QuorumOptions = {}) {
    this.#founderCount = count;
    this.supported = supported;
    this.#configured = configured ?? null;
    this.#seed = seed;
    this.world = new World({ seed });
    this.settings = { ...quickSettings, ...settings };
    for (let index = 0; index < count + observers; index++) {
      const process = this.world.addProcess(`node${index}`, { driftPpm: 0, wallOffsetMs: 0 });
      const id = nodeId(index);
      this.#addresses.set(id, process);
      this.nodes.push(new TestNode(id, process, hashIntegers(seed, index)));
    }
  }

  /** A quorum that serves. */
  static serving(options: QuorumOptions = {}): TestQuorum {
    const quorum = new TestQuorum(options);
    for (const node of quorum.nodes) quorum.start(node);
    quorum.leader();
    return quorum;
  }

  node(index: number): TestNode {
    return assertDefined(this.nodes[index], `there is no node ${index}`);
  }

  /** `advertised`: where it says that peers reach it. */
  start(node: TestNode, advertised: Endpoint = { host: `node${node.id}`, port: 9645 }): void {
    const { process } = node;
    process.begin();
    node.fatal = null;
    node.started = null;
    const supported = this.supported.get(node.id);
    node.node = createControllerNode({
      nodeId: node.id,
      directory: '/data',
      configuredVoters: this.nodes
        .filter(({ id }) => this.#configured?.includes(id) ?? id < this.#founderCount)
        .map(({ id }) => ({ id, endpoint: { host: `node${id}`, port: 9645 } })),
      advertised,
      settings: this.settings,
      ports: this.#portsOf(node),
      ...(supported === undefined ? {} : { supported }),
      onFatal: (reason) => {
        node.fatal = reason;
      },
    });
    node.node.start((started) => {
      node.started = started;
    });
  }

  /** Ends a node's process at once; with `power`, what was not flushed may be lost. */
  kill(node: TestNode, power = false): void {
    node.process.end();
    this.world.network.detach(node.process, !power);
    node.node = null;
    if (power) {
      node.disk.losePower();
      node.stores.losePower();
    } else {
      node.disk.killProcess();
      node.stores.killProcess();
    }
  }

  /** Asks a node to stop and waits until it has. */
  stop(node: TestNode): void {
    let isStopped = false;
    node.running.stop(() => {
      isStopped = true;
    });
    this.until(() => isStopped, `node ${node.id} stops`);
    this.kill(node);
  }

  isolate(node: TestNode): void {
    this.#eachLink(node, (peer) => {
      this.world.network.cut(node.process, peer.process);
      this.world.network.cut(peer.process, node.process);
    });
  }

  rejoin(node: TestNode): void {
    this.#eachLink(node, (peer) => {
      this.world.network.mend(node.process, peer.process);
      this.world.network.mend(peer.process, node.process);
    });
  }

  run(forMs: number): void {
    runWorld(this.world, forMs);
  }

  until(condition: () => boolean, what: string, withinMs = 20_000): void {
    for (let waitedMs = 0; waitedMs < withinMs; waitedMs++) {
      if (condition()) return;
      this.run(1);
    }
    throw new Error(`not within ${withinMs} ms: ${what}\n${this.describe()}`);
  }

  /** The node that serves as the active controller, waited for. */
  leader(): TestNode {
    this.until(() => this.#active() !== null, 'a leader serves');
    return assertDefined(this.#active(), 'a leader serves');
  }

  followers(): readonly TestNode[] {
    const leader = this.leader();
    return this.nodes.filter((node) => node !== leader && node.node !== null);
  }

  /** Until every node that runs has applied all that the leader has committed. */
  /** Every controller has registered, so that none of them writes by itself. */
  untilRegistered(): void {
    const count = (): number => this.leader().node?.image()?.controller.controllers.size ?? 0;
    this.until(() => count() === this.nodes.length, 'all controllers have registered');
  }

  settle(): void {
    const caughtUp = (): boolean => {
      const active = this.#active();
      if (active === null) return false;
      const { highWatermark, logEndOffset } = active.status();
      const up = this.nodes.filter((node) => node.node !== null);
      return (
        highWatermark === logEndOffset && up.every((node) => node.status().appliedOffset === logEndOffset)
      );
    };
    this.until(caughtUp, 'all nodes have applied the same');
  }

  /** Hands a request in; its answer appears in what is returned. */
  submit(node: TestNode, operationId: string, request: TestRequest = {}): Submitted {
    const { params = {}, query = {}, body = {}, ...rest } = request;
    const submitted: Submitted = { answers: [] };
    const whole: ControllerRequest = {
      requestId: ++this.#requestId,
      operationId,
      input: { params, query, body },
      principal: 'tester',
      idempotencyKey: null,
      consistency: 'linearizable',
      minOffset: null,
      ifMatch: null,
      timeoutMs: 5_000,
      ...rest,
    };
    node.running.submit([whole], (answer) => submitted.answers.push(answer));
    return submitted;
  }

  /** Hands a request in and waits for its answer. */
  call(node: TestNode, operationId: string, request: TestRequest = {}): ControllerAnswer {
    const submitted = this.submit(node, operationId, request);
    this.until(() => submitted.answers.length > 0, `${operationId} is answered`);
    return assertDefined(submitted.answers[0], 'an answer');
  }

  describe(): string {
    return this.nodes
      .map((node) => {
        if (node.node === null) return `${node.id}: down`;
        const { role, epoch, leaderId, logEndOffset, highWatermark, appliedOffset } = node.status();
        const marks = `end ${logEndOffset}, high watermark ${highWatermark}, applied ${appliedOffset}`;
        return `${node.id}: ${role} in ${epoch} of ${leaderId}, ${marks}, ${node.fatal ?? 'well'}`;
      })
      .join('\n');
  }

  #active(): TestNode | null {
    return this.nodes.find((node) => node.node?.status().active === true) ?? null;
  }

  #eachLink(node: TestNode, visit: (peer: TestNode) => void): void {
    for (const peer of this.nodes) if (peer !== node) visit(peer);
  }

  #portsOf(node: TestNode): ControllerPorts {
    const { process, disk, stores } = node;
    const log = (event: string, fields: unknown): void =>
      void node.logged.push(`${event} ${JSON.stringify(fields ?? {})}`);
    return {
      files: disk.attach((delayUs, run) => void process.schedule(delayUs, 0, run)),
      checkpointStores: stores.attach((delayUs, run) => void process.schedule(delayUs, 0, run)),
      clock: process.clock(),
      random: seededRandom(hashIntegers(this.#seed, process.index, process.generation)),
      logger: { info: log, warn: log, error: log },
      createTransport: (local, events) => this.#transportOf(node, local, events),
    };
  }

  #transportOf(node: TestNode, local: ReplicaKey, events: TransportEvents): NodeTransport {
    const { network } = this.world;
    const key = { id: local.id, directoryId: local.directoryId };
    const filtered: TransportEvents = {
      ...events,
      onMessage: (from, message) => {
        if (node.admit(from.id, message)) events.onMessage(from, message);
      },
      onConnectionOpened: (peer) => events.onConnectionOpened(peer),
      onConnectionClosed: (peer, refused) => events.onConnectionClosed(peer, refused),
    };
    let transport: Transport | null = null;
    return {
      start: (complete) => {
        transport = network.attach(node.process, this.#addresses, key, filtered);
        node.process.schedule(0, 0, () =>
          complete({ ok: true, value: { host: `node${node.id}`, port: 9645 } }),
        );
      },
      setClusterId: () => undefined,
      setEndpoints: () => undefined,
      send: (to, message) => {
        const target = this.#addresses.get(to);
        // Nobody runs there, so the real transport's queue is given up with nothing of it sent.
        if (target?.isUp === false && message.channel === 'forward') {
          this.#dropLater(node, events, to, message.message);
        } else transport?.send(to, message);
      },
      close: (complete) => {
        if (transport === null) node.process.schedule(0, 0, complete);
        else transport.close(complete);
      },
    };
  }

  #dropLater(node: TestNode, events: TransportEvents, to: NodeId, message: ForwardMessage): void {
    node.process.schedule(1_000, 0, () => events.onForwardDropped?.(to, message));
  }
}

export type TestRequest = Partial<Omit<ControllerRequest, 'requestId' | 'operationId' | 'input'>> & {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
};

export type Submitted = { readonly answers: ControllerAnswer[] };

/** The error's code, or `ok`. */
export function codeOf(answer: ControllerAnswer | undefined): string {
  if (answer === undefined) return 'unanswered';
  return answer.result.ok ? 'ok' : answer.result.code;
}
