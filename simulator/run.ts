import type { NodeId } from '../src/base/brands.ts';
import { hearCoverageMarks } from '../src/base/coverage-marks.ts';
import { SimulatedCluster, type SimulatedNode } from './cluster.ts';
import { sampleThroughCodec } from './codec-sample.ts';
import { eventKinds } from '../src/testing/world/event-kinds.ts';
import { type Budget, type BudgetName, budgets } from './faults/budget.ts';
import type { ConcreteFault } from './faults/fault.ts';
import { Finalization } from './faults/finalize.ts';
import { FaultInjector } from './faults/inject.ts';
import type { Schedule } from './faults/schedule.ts';
import type { HostKind } from './hosts/host.ts';
import { raftCheckers } from './invariants/all.ts';
import { appendedIsNeverRefused } from './invariants/appended-is-never-refused.ts';
import { linearizability } from './invariants/linearizability.ts';
import { linearizableBySearch } from './invariants/linearizable-by-search.ts';
import { count, countMarks, type Marks } from './invariants/marks.ts';
import { metadataCheckers } from './invariants/metadata.ts';
import { nothingWaitsForNobody } from './invariants/nothing-waits-for-nobody.ts';
import { onlyTheLeaderHearsHeartbeats } from './invariants/only-the-leader-hears-heartbeats.ts';
import { checkProgressInPartitions } from './invariants/progress-in-partition.ts';
import { groupCheckers } from './invariants/groups/all.ts';
import { replicaCheckers } from './invariants/replicas/all.ts';
import { fencedOnlyInSilence } from './invariants/replicas/fenced-only-in-silence.ts';
import { transactionsAreAtomic } from './invariants/transactions-are-atomic.ts';
import { watchStates } from './invariants/watch-states.ts';
import { watchStreams } from './invariants/watch-streams.ts';
import { MetadataWitness } from './metadata-witness.ts';
import type { SimulatedProcess } from '../src/testing/world/process.ts';
import { findIdlePart } from './idle-part.ts';
import { ProbeNetwork } from './workload/brokers/probe-network.ts';
import { messageInOneLine } from './timeline/message-text.ts';
import type { TimelineRecorder } from './timeline/recorder.ts';
import { watchNodes } from './timeline/watch-nodes.ts';
import type { PrintLine } from './trace.ts';
import { Violation } from './violation.ts';
import { Brokers } from './workload/brokers/brokers.ts';
import { Clients } from './workload/clients.ts';
import { Groups } from './workload/groups/groups.ts';
import { Ledger } from './workload/ledger.ts';
import { Exchanges } from './workload/operators/exchange.ts';
import { Operators } from './workload/operators/operators.ts';
import { Watchers } from './workload/watchers/watchers.ts';
import { World } from './world.ts';

export type RunOptions = {
  readonly schedule: Schedule;
  readonly host: HostKind;
  readonly print?: PrintLine;
  readonly recorder?: TimelineRecorder;
};

export type RunReport = {
  readonly seed: number;
  readonly budget: BudgetName;
  readonly violation: Error | null;
  /** The run as data, with all that chance or the moment decided: it gives the same digest again. */
  readonly recorded: Schedule;
  /** The faults of that record that took place: the others were over the budget. */
  readonly executed: readonly ConcreteFault[];
  readonly digest: string;
  readonly simulatedUs: number;
  readonly events: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly elections: number;
  readonly commits: number;
  readonly outcomes: Readonly<Ledger['counts']>;
  readonly calls: Readonly<Operators['calls']['counts']>;
  /** What went wrong with model brokers, and how many records producers were told of. */
  readonly brokers: Readonly<Brokers['counts'] & { readonly acknowledged: number; readonly lost: number }>;
  readonly watches: Readonly<Watchers['counts']>;
  readonly messages: number;
  /** What became of those that did not arrive once, and in time. */
  readonly messageFaults: Readonly<Record<'lost' | 'duplicated' | 'cut', number>>;
  /** What was observed from outside. */
  readonly marks: Marks;
  /** How often the marked places of production code were passed. */
  readonly coverage: Marks;
};

/** Runs one schedule from its beginning to the end of its heal phase, or to the first broken property. */
export function runSchedule(options: RunOptions): RunReport {
  const run = new Run(options);
  hearCoverageMarks(
    (mark) => count(run.coverage, mark),
    () => run.go(),
  );
  return run.report();
}

function messageFaultsOf({ lost, duplicated, cut }: World['network']['counts']): RunReport['messageFaults'] {
  return { lost, duplicated, cut };
}

/** After the heal, how long until the cluster must serve: so many fetch timeouts, and a fixed time for disks. */
const healTimeouts = 20;
const healFixedUs = 10_000_000;
const healStepUs = 50_000;
/** Who goes on writing meanwhile, and how often. */
const busyClient = 3;
const busyGapUs = 30_000;
const busyKeys = 100;
/** What the bare host leaves out of a schedule. */
const nothingOfMetadata = { calls: [], brokers: null, groups: null, watchers: [] };

class Run {
  readonly coverage: Marks = new Map();
  readonly #schedule: Schedule;
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #host: HostKind;
  readonly #clients: Clients;
  readonly #exchanges: Exchanges;
  readonly #operators: Operators;
  readonly #brokers: Brokers;
  readonly #groups: Groups;
  readonly #watchers: Watchers;
  readonly #injector: FaultInjector;
  readonly #ledger = new Ledger();
  readonly #marks: Marks = new Map();
  readonly #budget: Budget;
  #probesLeft = 0;
  /** Of the newer release's levels, where the run has two releases. */
  #finalization: Finalization | null = null;
  #busyWrites = 0;
  /** What was planned and had come to nothing when everything was healed. */
  #idlePart: string | null = null;

  constructor(options: RunOptions) {
    const { schedule, host, print, recorder } = options;
    this.#schedule = schedule;
    this.#host = host;
    this.#world = new World({
      seed: schedule.seed,
      ...(print === undefined ? {} : { print }),
      recorder: recorder ?? null,
    });
    const world = this.#world;
    const probes = new ProbeNetwork(world);
    this.#cluster = new SimulatedCluster({
      world,
      probes,
      name: 'node',
      config: schedule.config,
      host,
      onEnd: (node) => {
        this.#clients.nodeEnded(node);
        this.#exchanges.nodeEnded(node);
        this.#watchers.nodeEnded(node);
      },
    });
    const { observation } = this.#cluster;
    const judge = linearizability(observation, this.#ledger, host);
    const refusals = appendedIsNeverRefused(observation, host);
    const judges = [judge, refusals];
    const search = linearizableBySearch(observation, this.#ledger, this.#marks);
    // Marks first: what breaks a property counts as reached.
    const marks = countMarks(this.#marks);
    observation.add(marks, ...raftCheckers(observation, schedule), ...judges, search);
    if (world.recorder !== null) observation.add(watchNodes(world, world.recorder));
    this.#exchanges = new Exchanges(world, this.#cluster);
    this.#operators = new Operators({
      world,
      cluster: this.#cluster,
      exchanges: this.#exchanges,
      ledger: this.#ledger,
    });
    this.#brokers = new Brokers({
      world,
      cluster: this.#cluster,
      exchanges: this.#exchanges,
      probes,
    });
    this.#groups = new Groups({ world, cluster: this.#cluster, exchanges: this.#exchanges });
    this.#watchers = new Watchers(world, this.#cluster);
    if (host.holdsMetadata) this.#watchMetadata();
    this.#clients = new Clients(world, this.#cluster, this.#ledger, judges);
    this.#budget = budgets[schedule.config.budget];
    this.#injector = new FaultInjector(world, this.#cluster, this.#budget);
    this.#connect();
  }

  #watchMetadata(): void {
    const { observation } = this.#cluster;
    const witness = new MetadataWitness();
    observation.add(...metadataCheckers(observation, witness, this.#operators.calls));
    const askers = {
      requests: () => this.#exchanges.openCount + this.#clients.pending.size,
    };
    observation.add(nothingWaitsForNobody(observation, askers));
    const heartbeats = onlyTheLeaderHearsHeartbeats(observation);
    this.#exchanges.judges.push(heartbeats);
    observation.add(heartbeats);
    const atomic = transactionsAreAtomic(observation, witness);
    this.#operators.calls.judges.push(atomic);
    const streams = [watchStreams(observation, witness), watchStates(observation, witness), atomic];
    this.#watchers.judges.push(...streams);
    observation.add(...streams);
    if (this.#schedule.groups !== null) {
      observation.add(...groupCheckers(observation, witness, this.#groups));
    }
    const minIsr = this.#schedule.brokers?.minIsr ?? null;
    if (minIsr === null) return;
    observation.add(...replicaCheckers(observation, witness, this.#brokers, minIsr));
    const { brokerSessionTimeoutMs } = this.#schedule.config;
    const silence = fencedOnlyInSilence(observation, brokerSessionTimeoutMs, this.#brokers.hosted);
    this.#exchanges.judges.push(silence);
    observation.add(silence);
  }

  go(): void {
    const { config, faults, operations, calls, brokers, groups, watchers } = this.#schedule;
    for (const node of this.#cluster.nodes) this.#cluster.startLater(node, 1 + node.index);
    this.#injector.plan(faults.filter((fault) => fault.atUs < config.durationUs));
    this.#clients.plan(operations);
    if (this.#host.holdsMetadata) {
      if (brokers !== null) this.#brokers.plan(brokers);
      if (groups !== null) this.#groups.plan(groups);
      this.#watchers.plan(watchers);
      // Last, because these processes are as many as the calls name clients: a recorded run has fewer calls, and
      // what is drawn for the other processes follows from their indexes.
      this.#operators.plan(calls);
    }
    checkProgressInPartitions(this.#world, this.#clients, this.#schedule);
    this.#world.runUntil(config.durationUs);
    if (this.#world.violation === null) this.#healAndServe();
    if (this.#world.violation === null) this.#atEnd();
    this.#world.recorder?.end(this.#world.nowUs, this.#world.violation?.message ?? null);
  }

  report(): RunReport {
    const world = this.#world;
    return {
      seed: this.#schedule.seed,
      budget: this.#budget.name,
      violation: world.violation,
      recorded: this.#recorded(),
      executed: this.#injector.executed,
      digest: world.trace.digest(),
      simulatedUs: world.nowUs,
      events: world.trace.count,
      faults: this.#injector.counts,
      elections: this.#marks.get('role leader') ?? 0,
      commits: this.#marks.get('batch committed') ?? 0,
      outcomes: this.#ledger.counts,
      calls: this.#operators.calls.counts,
      brokers: {
        ...this.#brokers.counts,
        acknowledged: this.#brokers.ledger.acknowledgedCount,
        lost: this.#brokers.ledger.lostCount,
      },
      watches: this.#watchers.counts,
      messages: world.network.counts.sent,
      messageFaults: messageFaultsOf(world.network.counts),
      marks: new Map([
        ...this.#marks,
        ...this.#operators.calls.marks(),
        ...this.#groups.marks(),
        ...this.#exchanges.marks(),
      ]),
      coverage: this.coverage,
    };
  }

  #recorded(): Schedule {
    const { seed, config, operations, calls, brokers, groups, watchers } = this.#schedule;
    const endUs = this.#world.nowUs;
    return {
      seed,
      config,
      faults: this.#injector.recorded,
      operations: operations.filter((operation) => operation.atUs <= endUs),
      calls: calls.filter((call) => call.atUs <= endUs),
      brokers,
      groups,
      watchers,
    };
  }

  #connect(): void {
    const world = this.#world;
    const { nodes, observation } = this.#cluster;
    world.network.behaviour = this.#schedule.config.link;
    /** By the index of their processes; the processes of brokers and clients have no node. */
    const byProcess: (SimulatedNode | undefined)[] = [];
    for (const node of nodes) byProcess[node.process.index] = node;
    const nodeOf = (process: SimulatedProcess): SimulatedNode | undefined => byProcess[process.index];
    const throughCodec = sampleThroughCodec(world);
    world.network.observer = {
      onSend: (from, to: NodeId, message) => {
        const node = nodeOf(from);
        if (node !== undefined) observation.onSend(node, to, message);
      },
      onDeliver: (from, to, message, sentAtUs) => {
        world.say(() => `${from.name} → ${to.name} ${messageInOneLine(message)}`, true);
        world.recorder?.message(from.index, to.index, { message, sentAtUs, endUs: world.nowUs, loss: null });
        const node = nodeOf(to);
        if (node !== undefined) observation.onDeliver(node, message);
        return throughCodec(message);
      },
      onLoss: (from, to, message, loss, sentAtUs) => {
        world.say(() => `${from.name} → ${to.name} ${loss}: ${messageInOneLine(message)}`, true);
        world.recorder?.message(from.index, to.index, { message, sentAtUs, endUs: world.nowUs, loss });
      },
    };
    world.afterEvent = (process) => {
      const node = process === null ? undefined : nodeOf(process);
      if (node !== undefined) observation.afterEvent(node);
    };
  }

  /** Liveness: once nothing fails any more there is a leader, everybody catches up, everything is answered. */
  #healAndServe(): void {
    const world = this.#world;
    const { config } = this.#schedule;
    world.say(() => 'everything is healed');
    this.#idlePart = this.#findIdlePart();
    this.#injector.heal();
    this.#brokers.heal();
    this.#groups.heal();
    world.network.behaviour = { ...config.link, lossPerMille: 0, duplicatePerMille: 0 };
    this.#finalizeRelease();
    this.#planProbes();
    this.#keepBusy();
    const deadlineUs = world.nowUs + healTimeouts * config.raft.fetchTimeoutMs * 1000 + healFixedUs;
    while (world.violation === null && this.#whatIsMissing() !== null) {
      if (world.nowUs >= deadlineUs) {
        if (!this.#budget.promises.liveness) return;
        const missing = this.#whatIsMissing() ?? 'nothing';
        world.violation = new Violation('it serves once all is healed', missing);
        return;
      }
      world.runUntil(world.nowUs + healStepUs);
    }
  }

  /** Once everybody runs the newer release, its levels can be finalized. */
  #finalizeRelease(): void {
    const world = this.#world;
    if (this.#schedule.config.olderNodes.length === 0) return;
    const after = (delayUs: number, run: () => void): void => {
      world.schedule(delayUs, eventKinds.client, run);
    };
    this.#finalization = new Finalization(this.#cluster, after);
    this.#finalization.begin();
  }

  /** Before the probes of the heal phase, which are answered where nothing else was. */
  #findIdlePart(): string | null {
    const { written, read } = this.#ledger.counts;
    const { answered, refused } = this.#operators.calls.counts;
    const { calls, brokers, groups, watchers } = this.#schedule;
    const progress = {
      operations: written + read,
      calls: answered + refused,
      records: this.#brokers.ledger.acknowledgedCount,
      leaderships: this.#groups.leaderships,
      watchEvents: this.#watchers.counts.events,
    };
    const ofMetadata = this.#host.holdsMetadata ? { calls, brokers, groups, watchers } : nothingOfMetadata;
    return findIdlePart({ ...this.#schedule, ...ofMetadata }, progress);
  }

  #planProbes(): void {
    const { nowUs } = this.#world;
    const done = (): void => void this.#probesLeft--;
    for (let at = 0; at < 6; at++) {
      this.#probesLeft++;
      const atUs = nowUs + 10_000 + at * 20_000;
      const kind = at % 2 === 0 ? 'write' : 'read';
      this.#clients.plan([{ atUs, client: at % 3, kind, key: at % 2, padding: 0, onDone: done }]);
    }
  }

  /** Brokers come back while others go on writing, and not only once the log is at rest (KAFKA-13959). */
  #keepBusy(): void {
    const world = this.#world;
    if (this.#brokers.whatIsMissing() === null) return;
    // Another key each time: a key that was written lately refuses the next write for a while.
    const key = this.#busyWrites++ % busyKeys;
    this.#clients.plan([{ atUs: world.nowUs, client: busyClient, kind: 'write', key, padding: 0 }]);
    world.schedule(busyGapUs, eventKinds.client, () => this.#keepBusy());
  }

  #whatIsMissing(): string | null {
    const { nodes } = this.#cluster;
    if (this.#cluster.leader() === null) return 'there is no leader';
    const ofBrokers = this.#brokers.whatIsMissing();
    if (ofBrokers !== null) return ofBrokers;
    const ofGroups = this.#groups.whatIsMissing();
    if (ofGroups !== null) return ofGroups;
    if (this.#probesLeft > 0) return `${this.#probesLeft} requests were never taken`;
    for (const [attempt, { node }] of this.#clients.pending) {
      return `${node.process.name} never answered ${attempt.request.kind} ${attempt.request.attempt}`;
    }
    const { pendingCount } = this.#operators.calls;
    if (pendingCount > 0) return `${pendingCount} calls have not ended`;
    // A damaged node may never come to say what it supports.
    const isWhole = nodes.every((node) => !node.isDamaged);
    if (isWhole && this.#finalization?.isDone === false) return 'the newer release is not finalized';
    const { committed } = this.#cluster.observation;
    const end = committed.endOffset;
    for (const node of nodes) {
      const { view, isDamaged } = node;
      const name = node.process.name;
      if (view === null) {
        // A damaged node may have to wait for an operator. If it is up, nothing excuses it.
        if (isDamaged) continue;
        return `${name} is not up`;
      }
      if (view.isRecovering) return `${name} is still recovering`;
      if (view.appliedOffset !== end) return `${name} has applied ${view.appliedOffset} of ${end}`;
    }
    return this.#watchers.whatIsMissing(committed);
  }

  #atEnd(): void {
    try {
      this.#cluster.observation.atEnd();
      const { written, read } = this.#ledger.counts;
      const isServed = written + read > 0 && (this.#marks.get('role leader') ?? 0) > 0;
      const isWholeIdle = !isServed && this.#budget.promises.liveness;
      const idle = isWholeIdle ? 'nothing was asked and answered' : this.#idlePart;
      if (idle !== null) this.#world.fail('no run is idle', idle);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
    }
  }
}
