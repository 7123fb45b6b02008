import { assert, assertDefined } from '../../../src/base/assert.ts';
import { type NodeId, nodeId, type Offset } from '../../../src/base/brands.ts';
import type { RaftConfig } from '../../../src/raft/config.ts';
import type { Effect } from '../../../src/raft/effects.ts';
import type { Input } from '../../../src/raft/inputs.ts';
import type { Message } from '../../../src/raft/messages.ts';
import type { Voter } from '../../../src/raft/replica-key.ts';
import { type Disk, emptyDisk, Host, keyOf, voterOf } from './host.ts';

export type Envelope = { readonly from: number; readonly to: number; readonly message: Message };

/** An input without its time, which the cluster adds. */
export type TimelessInput = Input extends infer One
  ? One extends Input
    ? Omit<One, 'nowMs'>
    : never
  : never;

type Node = { host: Host | null; disk: Disk; incarnation: number; holdsIo: boolean; directory: string };

/**
 * Replicas over a network and disks that do nothing by themselves: a test delivers, drops and flushes. Disks
 * complete at once unless told to hold. Only `wake` and `tick` let time be noticed.
 */
export class Cluster {
  nowMs = 1000;
  queue: Envelope[] = [];
  readonly nodes = new Map<number, Node>();
  readonly #cut = new Set<string>();
  readonly #voters: readonly Voter[];
  readonly #config: RaftConfig | undefined;
  readonly #onEffect: (node: number, effect: Effect) => void;
  readonly #seed: number;

  constructor(options: {
    readonly voters: readonly number[];
    readonly observers?: readonly number[];
    readonly seed?: number;
    /** Voters that understand no voter sets in the log. */
    readonly olderVoters?: readonly number[];
    readonly config?: RaftConfig;
    readonly onEffect?: (node: number, effect: Effect) => void;
  }) {
    this.#voters = options.voters.map((id) => {
      const isOlder = options.olderVoters?.includes(id) ?? false;
      return isOlder ? { ...voterOf(id), kraftVersions: { min: 0, max: 0 } } : voterOf(id);
    });
    this.#config = options.config;
    this.#onEffect = options.onEffect ?? (() => {});
    this.#seed = options.seed ?? 1;
    for (const id of [...options.voters, ...(options.observers ?? [])]) {
      const node = { host: null, disk: emptyDisk(), incarnation: 0, holdsIo: false, directory: 'a' };
      this.nodes.set(id, node);
    }
  }

  startAll(): void {
    for (const id of this.nodes.keys()) this.start(id);
  }

  start(id: number, change: (disk: Disk) => void = () => {}): void {
    const node = this.#node(id);
    assert(node.host === null, `node ${id} runs already`);
    node.incarnation += 1;
    change(node.disk);
    const peers = [...this.nodes.keys()].filter((other) => other !== id).map((other) => nodeId(other));
    node.host = new Host({
      key: keyOf(id, node.directory),
      disk: node.disk,
      bootstrapVoters: this.#voters,
      bootstrapPeers: peers,
      seed: this.#seed * 1000 + id * 100 + node.incarnation,
      nowMs: this.nowMs,
      ...(this.#config === undefined ? {} : { config: this.#config }),
      onMessage: (to, message) => this.#post(id, to, message),
      onEffect: (effect) => this.#onEffect(id, effect),
    });
    this.wake(id);
  }

  /** The process ends; what was not flushed is gone, and so are the messages on their way to it. */
  crash(id: number): void {
    this.#node(id).host = null;
    this.queue = this.queue.filter((envelope) => envelope.to !== id);
  }

  /** A new, empty disk: the node comes back as a stranger. */
  wipe(id: number): void {
    const node = this.#node(id);
    assert(node.host === null, `node ${id} runs`);
    node.disk = emptyDisk();
    node.directory = String.fromCharCode(node.directory.charCodeAt(0) + 1);
  }

  /** Before its first start: the node stands on another disk than the voter set knows. */
  setDirectory(id: number, directory: string): void {
    this.#node(id).directory = directory;
  }

  host(id: number): Host {
    return assertDefined(this.#node(id).host, `node ${id} does not run`);
  }

  isRunning(id: number): boolean {
    return this.#node(id).host !== null;
  }

  get running(): readonly Host[] {
    return [...this.nodes.values()].flatMap((node) => (node.host === null ? [] : [node.host]));
  }

  input(id: number, input: TimelessInput): void {
    this.host(id).step({ ...input, nowMs: this.nowMs });
    this.#settleIo(id);
  }

  wake(id: number, stalledMs = 0): void {
    this.input(id, { type: 'wake', stalledMs });
  }

  /** Lets time pass and only then wakes the given nodes, or all, each until it has nothing due. */
  tick(elapsedMs: number, ids: readonly number[] = [...this.nodes.keys()]): void {
    this.nowMs += elapsedMs;
    for (const id of ids) {
      if (!this.isRunning(id)) continue;
      for (let turn = 0; turn < 10 && this.host(id).nextWakeAtMs <= this.nowMs; turn++) this.wake(id);
    }
  }

  holdIo(id: number, holds: boolean): void {
    this.#node(id).holdsIo = holds;
    this.#settleIo(id);
  }

  completeIo(id: number): void {
    const host = this.host(id);
    for (let left = host.pendingIo; left > 0; left--) host.completeIo(this.nowMs);
  }

  cut(from: number, to: number): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
  }

  isolate(id: number): void {
    for (const other of this.nodes.keys()) {
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  /** Delivers the oldest message that `wanted` accepts; null when there is none. */
  deliverOne(wanted: (envelope: Envelope) => boolean = () => true): Envelope | null {
    const at = this.queue.findIndex(wanted);
    const envelope = this.queue[at];
    if (envelope === undefined) return null;
    this.queue.splice(at, 1);
    this.deliver(envelope);
    return envelope;
  }

  deliver(envelope: Envelope): void {
    if (!this.isRunning(envelope.to)) return;
    const { message } = envelope;
    this.input(envelope.to, { type: 'messageReceived', from: nodeId(envelope.from), message });
  }

  /** Delivers until nothing is under way. */
  deliverAll(wanted: (envelope: Envelope) => boolean = () => true): void {
    for (let left = 10_000; left > 0; left--) if (this.deliverOne(wanted) === null) return;
    throw new Error('messages without end');
  }

  /** Lets everybody work for `elapsedMs` without faults. */
  run(elapsedMs: number): void {
    const endMs = this.nowMs + elapsedMs;
    this.deliverAll();
    while (this.nowMs < endMs) {
      this.tick(Math.min(10, endMs - this.nowMs));
      this.deliverAll();
    }
  }

  /** Makes `id` the leader by waking it alone, with all messages delivered. */
  elect(id: number): void {
    this.deliverAll();
    for (let turn = 0; turn < 20 && this.host(id).core.role !== 'leader'; turn++) {
      this.tick(this.host(id).nextWakeAtMs - this.nowMs > 0 ? this.host(id).nextWakeAtMs - this.nowMs : 0, [
        id,
      ]);
      this.deliverAll();
    }
    assert(this.host(id).core.role === 'leader', `node ${id} was not elected`);
  }

  propose(id: number, proposalId: number, texts: readonly string[]): void {
    const { core } = this.host(id);
    this.input(id, {
      type: 'recordsProposed',
      proposalId,
      epoch: core.epoch,
      expectedBaseOffset: core.logEndOffset,
      batches: [batchOf(texts)],
    });
  }

  endOf(id: number): Offset {
    return this.host(id).core.logEndOffset;
  }

  #node(id: number): Node {
    return assertDefined(this.nodes.get(id), `there is no node ${id}`);
  }

  #settleIo(id: number): void {
    const node = this.#node(id);
    if (node.holdsIo) return;
    while (node.host?.completeIo(this.nowMs) === true);
  }

  #post(from: number, to: NodeId, message: Message): void {
    if (this.#cut.has(`${from}>${to}`)) return;
    this.queue.push({ from, to, message });
  }
}

export function batchOf(texts: readonly string[]): {
  readonly recordCount: number;
  readonly payload: Uint8Array;
  readonly appendTimestampMs: number;
} {
  const payload = new TextEncoder().encode(texts.join(' '));
  return { recordCount: texts.length, payload, appendTimestampMs: 1_700_000_000_000 };
}
