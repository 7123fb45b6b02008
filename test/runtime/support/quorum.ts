import { assertDefined } from '../../../src/base/assert.ts';
import { type NodeId, nodeId } from '../../../src/base/brands.ts';
import type { Endpoint } from '../../../src/raft/replica-key.ts';
import type { ControllerAnswer, ControllerRequest } from '../../../src/runtime/controller-api.ts';
import {
  type ControllerSettings,
  defaultSettings,
  type SupportedVersions,
} from '../../../src/runtime/node-options.ts';
import { HostedNode, peerEndpoint } from '../../../src/testing/hosted-node.ts';
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

/** Whole controllers under virtual time, over the simulated disk, stores and network. */
export class TestQuorum {
  readonly world: World;
  readonly nodes: HostedNode[] = [];
  readonly settings: ControllerSettings;
  readonly #addresses = new Map<NodeId, SimulatedProcess>();
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
    this.world = new World({ seed });
    this.settings = { ...quickSettings, ...settings };
    for (let index = 0; index < count + observers; index++) {
      const process = this.world.addProcess(`node${index}`, { driftPpm: 0, wallOffsetMs: 0 });
      const id = nodeId(index);
      this.#addresses.set(id, process);
      this.nodes.push(new HostedNode({ id, world: this.world, process, addresses: this.#addresses, seed }));
    }
  }

  /** A quorum that serves. */
  static serving(options: QuorumOptions = {}): TestQuorum {
    const quorum = new TestQuorum(options);
    for (const node of quorum.nodes) quorum.start(node);
    quorum.leader();
    return quorum;
  }

  node(index: number): HostedNode {
    return assertDefined(this.nodes[index], `there is no node ${index}`);
  }

  /** `advertised`: where it says that peers reach it. */
  start(node: HostedNode, advertised: Endpoint = peerEndpoint(node.id)): void {
    const supported = this.supported.get(node.id);
    const ids = this.nodes.map(({ id }) => id);
    node.start({
      configuredVoters: ids.filter((id) => this.#configured?.includes(id) ?? id < this.#founderCount),
      settings: this.settings,
      advertised,
      ...(supported === undefined ? {} : { supported }),
    });
  }

  /** Ends a node's process at once; with `power`, what was not flushed may be lost. */
  kill(node: HostedNode, power = false): void {
    node.kill(power);
  }

  /** Asks a node to stop and waits until it has. */
  stop(node: HostedNode): void {
    let isStopped = false;
    node.running.stop(() => {
      isStopped = true;
    });
    this.until(() => isStopped, `node ${node.id} stops`);
    this.kill(node);
  }

  isolate(node: HostedNode): void {
    this.#eachLink(node, (peer) => {
      this.world.network.cut(node.process, peer.process);
      this.world.network.cut(peer.process, node.process);
    });
  }

  rejoin(node: HostedNode): void {
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
  leader(): HostedNode {
    this.until(() => this.#active() !== null, 'a leader serves');
    return assertDefined(this.#active(), 'a leader serves');
  }

  followers(): readonly HostedNode[] {
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
  submit(node: HostedNode, operationId: string, request: TestRequest = {}): Submitted {
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
  call(node: HostedNode, operationId: string, request: TestRequest = {}): ControllerAnswer {
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

  #active(): HostedNode | null {
    return this.nodes.find((node) => node.node?.status().active === true) ?? null;
  }

  #eachLink(node: HostedNode, visit: (peer: HostedNode) => void): void {
    for (const peer of this.nodes) if (peer !== node) visit(peer);
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
