import { chanceOf } from './faults/salts.ts';
import type { ProbeNetwork } from './workload/brokers/probe-network.ts';
import { hashIntegers, seededRandom } from '../src/base/random.ts';
import { nodeId, type NodeId, type Uuid } from '../src/base/brands.ts';
import { randomUuid } from '../src/base/uuid.ts';
import type { RaftCore } from '../src/raft/core.ts';
import type { ReplicaKey, Voter } from '../src/raft/replica-key.ts';
import type { SupportedVersions } from '../src/runtime/node-options.ts';
import { LastLook } from './last-look.ts';
import { withStep } from './with-step.ts';
import { SimulatedStores } from '../src/testing/world/checkpoint-store.ts';
import { eventKinds } from '../src/testing/world/event-kinds.ts';
import { SimulatedDisk } from '../src/testing/world/files.ts';
import { CrashPoint } from './faults/crash-point.ts';
import { countedFiles, countedStores, countedTransport } from './faults/counted-ports.ts';
import type { RunConfig } from './faults/schedule.ts';
import { dataDirectory, type Host, type HostKind } from './hosts/host.ts';
import { ClusterObservation, type NodeView, type ObservedNode } from './observation.ts';
import { readDurableState } from './durable-state.ts';
import type { SimulatedProcess } from '../src/testing/world/process.ts';
import { releases } from './releases.ts';
import type { World } from './world.ts';

export type SimulatedNode = ObservedNode & {
  readonly index: number;
  readonly disk: SimulatedDisk;
  readonly stores: SimulatedStores;
  /** Where in its work the present life will end, when a fault says so. */
  readonly crashPoint: CrashPoint;
  host: Host | null;
  /** Its software, from its next start on, is of an earlier release (`releases.ts`). */
  isOlder: boolean;
  /** When it may start again; null while it runs or nobody has planned its start. */
  restartAtUs: number | null;
  /** The disk that it began with was emptied. */
  wasWiped: boolean;
};

export type ClusterOptions = {
  readonly world: World;
  readonly name: string;
  readonly config: RunConfig;
  readonly host: HostKind;
  readonly probes: ProbeNetwork;
  /** Told when a life ends, for whatever reason. */
  readonly onEnd: (node: SimulatedNode) => void;
};

/** How long a node that stopped by itself waits for its supervisor. */
const supervisorUs = 200_000;

/** Half of the runs leave it to sessions alone to tell that a broker is gone. */
function fastFencingGraceMs(seed: number): number {
  return chanceOf(seed, 'probes').pick([0, 0, 100, 300]);
}

/** Half of the runs leave it to operators to give leaders back to preferred replicas. */
function leaderImbalanceCheckIntervalMs(seed: number): number {
  return chanceOf(seed, 'balancing').pick([0, 0, 500, 2_000]);
}

/** The controllers of one quorum, with their disks, over all their lives. */
export class SimulatedCluster {
  readonly nodes: SimulatedNode[] = [];
  readonly observation: ClusterObservation;
  readonly counts = { boots: 0, ends: 0 };
  /** How many voters the smallest set has that anybody has asked for. */
  smallestVoterSet: number;
  readonly #options: ClusterOptions;
  readonly #clusterId: Uuid;
  readonly #addresses = new Map<NodeId, SimulatedProcess>();
  /** Those that the cluster is born with. */
  readonly #voters: readonly Voter[];
  /** Directory ids under which a life has begun. */
  readonly #lived = new Set<Uuid>();

  constructor(options: ClusterOptions) {
    const { world, config, name, host } = options;
    this.#options = options;
    this.smallestVoterSet = config.nodes;
    const identities = seededRandom(hashIntegers(world.seed, world.processes.length, 0x1d));
    this.#clusterId = randomUuid(identities);
    this.observation = new ClusterObservation(world, (node) => readDurableState(node, host));
    for (let index = 0; index < config.nodes + config.spares; index++) {
      const clockFaults = { driftPpm: config.driftPpm[index] ?? 0, wallOffsetMs: 0 };
      const process = world.addProcess(`${name}${index + 1}`, clockFaults);
      world.recorder?.lane(process.index, process.name);
      const id = nodeId(index + 1);
      this.#addresses.set(id, process);
      this.#addNode(index, process, { id, directoryId: randomUuid(identities) });
    }
    this.#voters = this.nodes.slice(0, config.nodes).map((node) => this.voterOf(node));
  }

  /** A node as a voter set names it. */
  voterOf(node: SimulatedNode): Voter {
    return {
      ...node.key,
      endpoint: { host: node.process.name, port: 9645 },
      kraftVersions: this.#releaseOf(node).kraftVersions,
    };
  }

  /** What the software supports that a node has on its disk. */
  #releaseOf({ isOlder }: SimulatedNode): SupportedVersions {
    return isOlder ? releases[this.#options.config.olderRelease] : releases.newer;
  }

  /** The voters as the leader has them, with what the software of each supports that runs, or ran last. */
  votersAsTheyRun(leader: SimulatedNode): readonly Voter[] {
    const voters = leader.view?.voters ?? [];
    return voters.map((voter) => {
      const node = this.nodes.find(({ id }) => id === voter.id);
      return { ...voter, kraftVersions: node?.supported.kraftVersions ?? voter.kraftVersions };
    });
  }

  say(line: () => string): void {
    this.#options.world.say(line);
  }

  /** Those that the cluster was born with, whether or not they are voters still. */
  get founders(): readonly SimulatedNode[] {
    return this.nodes.slice(0, this.#voters.length);
  }

  /** The node that leads the highest epoch, as an outsider sees it. */
  leader(): SimulatedNode | null {
    let found: SimulatedNode | null = null;
    for (const node of this.nodes) {
      if (node.view?.role !== 'leader') continue;
      if (node.view.epoch > (found?.view?.epoch ?? -1)) found = node;
    }
    return found;
  }

  boot(node: SimulatedNode): void {
    const { world, config, host } = this.#options;
    const { process } = node;
    if (process.isUp) return;
    node.restartAtUs = null;
    process.begin();
    node.supported = this.#releaseOf(node);
    this.counts.boots++;
    const { generation } = process;
    const schedule = process.lifeScheduler();
    world.say(() => `${process.name} starts, life ${generation}`);
    world.recorder?.begin(process.index, world.nowUs);
    const started = host.start({
      name: process.name,
      seed: hashIntegers(world.seed, process.index, generation, 0x626f6f74),
      clock: process.clock(),
      files: countedFiles(
        node.disk.attach((delayUs, run) => void schedule(delayUs, eventKinds.disk, run)),
        node,
      ),
      stores: countedStores(
        node.stores.attach((delayUs, run) => void schedule(delayUs, eventKinds.store, run)),
        node,
      ),
      clusterId: this.#clusterId,
      key: node.key,
      voters: this.#voters,
      supported: node.supported,
      raft: config.raft,
      segmentBytes: config.segmentBytes,
      recordsBetweenSnapshots: config.recordsBetweenSnapshots,
      brokerSessionTimeoutMs: config.brokerSessionTimeoutMs,
      fastFencingGraceMs: fastFencingGraceMs(world.seed),
      leaderImbalanceCheckIntervalMs: leaderImbalanceCheckIntervalMs(world.seed),
      prober: this.#options.probes.prober(process),
      wrapCore: (core) => this.#observe(node, core),
      renewKey: () => this.#renewKey(node),
      connect: (key, events) => {
        node.key = key;
        const transport = world.network.attach(process, this.#addresses, key, events);
        return countedTransport(transport, node);
      },
      onReady: (view) => this.#ready(node, view),
      onStopped: (reason) => this.#stopped(node, reason),
      say: (line) => world.say(() => `${process.name} ${line()}`),
    });
    const { call, changeVoters, changeProtocol, watch } = started;
    // Whatever a life still says while its calls unwind after its end, nobody hears it.
    node.host = {
      submit: (request, complete) =>
        started.submit(request, (outcome) => {
          if (process.generation === generation) complete(outcome);
        }),
      call:
        call === null
          ? null
          : (request, complete) =>
              call(request, (answer) => {
                if (process.generation === generation) complete(answer);
              }),
      watch:
        watch === null
          ? null
          : (request, listener) => {
              const isAlive = (): boolean => process.generation === generation;
              const handle = watch(request, {
                begun: (begin) => (isAlive() ? listener.begun(begin) : undefined),
                events: (events) => (isAlive() ? listener.events(events) : undefined),
                ended: (end) => (isAlive() ? listener.ended(end) : undefined),
              });
              return {
                more: () => (isAlive() ? handle.more() : undefined),
                close: () => (isAlive() ? handle.close() : undefined),
              };
            },
      changeVoters:
        changeVoters === null
          ? null
          : (voters, complete) =>
              changeVoters(voters, (error) => {
                if (process.generation === generation) complete(error);
              }),
      changeProtocol:
        changeProtocol === null
          ? null
          : (kraftVersion, voters, complete) =>
              changeProtocol(kraftVersion, voters, (isDone) => {
                if (process.generation === generation) complete(isDone);
              }),
      stop: (complete) => started.stop(complete),
    };
  }

  /** Ends a node's life at once. `power`: with its machine, so that what was not flushed may be lost. */
  crash(node: SimulatedNode, power: boolean, downUs: number | null): void {
    if (node.process.isUp) {
      this.#options.world.say(() => `${node.process.name} crashes${power ? ' by power failure' : ''}`);
      this.#end(node, !power);
    }
    if (power) {
      node.hasUnseenDamage = false;
      node.disk.losePower();
      node.stores.losePower();
    } else {
      node.disk.killProcess();
      node.stores.killProcess();
    }
    if (downUs !== null) this.startLater(node, downUs);
  }

  /** A graceful stop, and a start after it. */
  stop(node: SimulatedNode, downUs: number): void {
    const { host, process } = node;
    if (host === null || !process.isUp) return;
    this.#options.world.say(() => `${process.name} is asked to stop`);
    const { generation } = process;
    const ended = (): void => {
      if (process.generation === generation) this.crash(node, false, downUs);
    };
    process.schedule(0, eventKinds.fault, () => host.stop(() => this.#later(ended)));
  }

  /** Its software is replaced by the newer release; a graceful stop comes first. */
  upgrade(node: SimulatedNode, downUs: number): void {
    this.#options.world.say(() => `${node.process.name} is upgraded`);
    node.isOlder = false;
    this.stop(node, downUs);
  }

  /** An empty disk in the place of its own: from now on it is somebody else (KIP-853). */
  wipe(node: SimulatedNode, downUs: number): void {
    this.crash(node, true, downUs);
    this.markDamaged(node);
    node.wasWiped = true;
    node.durableTip = this.observation.history.root;
    node.disk.wipe([dataDirectory]);
    node.stores.wipe();
    // One that is wiped again before it has lived gets the same identity again.
    if (this.#lived.has(node.key.directoryId)) node.wipedDirectories.add(node.key.directoryId);
    this.#renewKey(node);
  }

  /** Its disk has lost, or will have lost, what the node has acknowledged. */
  markDamaged(node: SimulatedNode): void {
    node.isDamaged = true;
    node.hasUnseenDamage ||= node.process.isUp;
    if (node.lostTip === null || node.durableTip.endOffset >= node.lostTip.endOffset) {
      node.lostTip = node.durableTip;
    }
  }

  startLater(node: SimulatedNode, downUs: number): void {
    const { world } = this.#options;
    const atUs = world.nowUs + downUs;
    node.restartAtUs = atUs;
    world.schedule(downUs, eventKinds.boot, () => {
      if (node.restartAtUs === atUs) this.boot(node);
    });
  }

  #renewKey(node: SimulatedNode): ReplicaKey {
    const seed = hashIntegers(this.#options.world.seed, node.process.index, node.process.generation, 0x77);
    node.key = { id: node.key.id, directoryId: randomUuid(seededRandom(seed)) };
    return node.key;
  }

  #addNode(index: number, process: SimulatedProcess, key: ReplicaKey): void {
    const seed = hashIntegers(this.#options.world.seed, process.index);
    const { diskSpread } = this.#options.config;
    this.nodes.push({
      index,
      id: key.id,
      process,
      key,
      disk: new SimulatedDisk({ seed, directories: [dataDirectory], spread: diskSpread }),
      stores: new SimulatedStores(seed, diskSpread),
      crashPoint: new CrashPoint(),
      host: null,
      isOlder: this.#options.config.olderNodes.includes(index),
      supported: releases.newer,
      restartAtUs: null,
      wasWiped: false,
      view: null,
      tip: this.observation.history.root,
      durableTip: this.observation.history.root,
      lostTip: null,
      wipedDirectories: new Set(),
      isDamaged: false,
      hasUnseenDamage: false,
      unsettled: [],
      lastLook: new LastLook(),
    });
    this.observation.nodes.push(this.nodes[index] as SimulatedNode);
  }

  #observe(node: SimulatedNode, core: RaftCore): RaftCore {
    return withStep(core, (input) => {
      const result = core.step(input);
      this.observation.onEffects(node, input, result.effects);
      return result;
    });
  }

  #ready(node: SimulatedNode, view: NodeView): void {
    const { world } = this.#options;
    world.say(
      () =>
        `${node.process.name} is ready: log ${view.logStart.endOffset} to ${view.logEndOffset}, epoch ${view.epoch}`,
    );
    this.#lived.add(node.key.directoryId);
    this.observation.afterBoot(node, view);
  }

  /** It gave up, as design 20 wants it to, and its supervisor starts it again. */
  #stopped(node: SimulatedNode, reason: string): void {
    const { generation } = node.process;
    this.#options.world.say(() => `${node.process.name} stops itself: ${reason}`);
    this.#later(() => {
      if (node.process.generation === generation) this.crash(node, false, supervisorUs);
    });
  }

  /** Not from within the node's own call: its stack must unwind first. */
  #later(run: () => void): void {
    this.#options.world.schedule(0, eventKinds.boot, run);
  }

  #end(node: SimulatedNode, isNoticed: boolean): void {
    this.counts.ends++;
    this.observation.beforeEnd(node);
    node.crashPoint.disarm();
    node.process.end();
    if (node.isDamaged) this.markDamaged(node);
    this.#options.world.network.detach(node.process, isNoticed);
    node.host = null;
    this.observation.afterEnd(node);
    this.#options.world.recorder?.endLife(node.process.index, this.#options.world.nowUs);
    this.#options.onEnd(node);
  }
}
