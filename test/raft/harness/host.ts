import { assert, assertDefined } from '../../../src/base/assert.ts';
import { type Epoch, type NodeId, nodeId, type Offset, type Uuid, uuid } from '../../../src/base/brands.ts';
import { seededRandom } from '../../../src/base/random.ts';
import type { LogBatch } from '../../../src/raft/batch.ts';
import type { RaftConfig, VoterSetAt } from '../../../src/raft/config.ts';
import { createRaftCore, type RaftCore } from '../../../src/raft/core.ts';
import type { Effect } from '../../../src/raft/effects.ts';
import type { Input, IoId } from '../../../src/raft/inputs.ts';
import type { Message } from '../../../src/raft/messages.ts';
import type { QuorumState } from '../../../src/raft/quorum-state.ts';
import type { ReplicaKey, Voter } from '../../../src/raft/replica-key.ts';
import type { SnapshotId } from '../../../src/raft/snapshot-id.ts';
import { ModelLog } from './model-log.ts';

export const clusterId: Uuid = uuid('ottlaTestClusterIdAAAA');

export const testConfig: RaftConfig = {
  electionTimeoutMs: 1000,
  electionBackoffMaxMs: 1000,
  fetchTimeoutMs: 2000,
  requestTimeoutMs: 2000,
  retryBackoffMs: 20,
  fetchBytesMax: 1 << 20,
  snapshotChunkBytesMax: 64,
  pendingProposalsMax: 100,
  pendingBytesMax: 1 << 20,
  highWatermarkLingerMs: 0,
  fetchLingerMs: 0,
};

/** A voter's name: node 1's first disk is `dir1aAAAA…`, its next one `dir1bAAAA…`. */
export function keyOf(id: number, disk = 'a'): ReplicaKey {
  return { id: nodeId(id), directoryId: uuid(`dir${id}${disk}`.padEnd(22, 'A')) };
}

export function voterOf(id: number, disk = 'a'): Voter {
  return {
    ...keyOf(id, disk),
    endpoint: { host: `node${id}`, port: 9000 + id },
    kraftVersions: { min: 0, max: 1 },
  };
}

/** What the state machine holds: every record that it was given. */
export type AppliedRecord = { readonly offset: Offset; readonly epoch: Epoch; readonly text: string };

export type StoredSnapshot = {
  readonly id: SnapshotId;
  readonly voters: readonly Voter[];
  readonly kraftVersion: number;
  readonly state: readonly AppliedRecord[];
};

/** What survives a crash. */
export type Disk = {
  quorumState: QuorumState;
  log: ModelLog;
  snapshot: StoredSnapshot | null;
};

export function emptyDisk(): Disk {
  const quorumState: QuorumState = { epoch: 0 as Epoch, leaderId: null, voted: null, recovering: false };
  return { quorumState, log: new ModelLog(origin), snapshot: null };
}

export const origin: SnapshotId = { endOffset: 0 as Offset, epoch: 0 as Epoch };

/** One I/O under way: what it does to the disk, and what the core is told. */
type PendingIo = {
  readonly file: 'quorum' | 'log' | 'snapshot';
  readonly ioId: IoId;
  readonly reach: (disk: Disk) => void;
  readonly tell: (nowMs: number) => Input | null;
};

/**
 * A shell around one core: it carries effects out on a modelled disk and hands messages to `onMessage`.
 * Whoever drives it decides when I/O completes, when time passes and what is delivered.
 */
export class Host {
  readonly key: ReplicaKey;
  readonly disk: Disk;
  readonly core: RaftCore;
  readonly log: ModelLog;
  applied: AppliedRecord[];
  nextWakeAtMs: number;
  readonly #pending: PendingIo[] = [];
  #held: Extract<Effect, { type: 'sendMessage' }>[] = [];
  #received: { id: SnapshotId; bytes: Uint8Array } | null = null;
  #memorySnapshot: StoredSnapshot | null;
  #persistedIoId = 0;
  readonly #onMessage: (to: NodeId, message: Message) => void;
  readonly #onEffect: (effect: Effect) => void;

  constructor(options: {
    readonly key: ReplicaKey;
    readonly disk: Disk;
    readonly bootstrapVoters: readonly Voter[];
    readonly bootstrapPeers: readonly NodeId[];
    readonly seed: number;
    readonly nowMs: number;
    readonly config?: RaftConfig;
    readonly onMessage: (to: NodeId, message: Message) => void;
    readonly onEffect: (effect: Effect) => void;
  }) {
    const { key, disk, nowMs } = options;
    this.key = key;
    this.disk = disk;
    this.log = disk.log.copy();
    this.#memorySnapshot = disk.snapshot;
    this.applied = [...(disk.snapshot?.state ?? [])];

    this.nextWakeAtMs = nowMs;
    this.#onMessage = options.onMessage;
    this.#onEffect = options.onEffect;
    const base: VoterSetAt = {
      offset: this.log.start.endOffset,
      voters: disk.snapshot?.voters ?? options.bootstrapVoters,
    };
    const records = this.log.voterSetRecords();
    const [firstSet] = records;
    this.core = createRaftCore({
      config: options.config ?? testConfig,
      recovered: {
        clusterId,
        local: key,
        quorumState: disk.quorumState,
        logStart: this.log.start,
        latestSnapshot: disk.snapshot?.id ?? null,
        logEndOffset: this.log.endOffset,
        epochStarts: this.log.epochStarts(),
        voterSets: [base, ...records],
        kraftVersion: disk.snapshot?.kraftVersion ?? (records.length > 0 ? 1 : 0),
        // Directly before the first voter set of the log.
        kraftVersionOffset:
          disk.snapshot === null && firstSet !== undefined ? ((firstSet.offset - 1) as Offset) : null,
        appliedOffset: disk.snapshot?.id.endOffset ?? (0 as Offset),
        bootstrapPeers: options.bootstrapPeers,
      },
      random: seededRandom(options.seed),
      nowMs,
    });
  }

  step(input: Input): void {
    const { effects, nextWakeAtMs } = this.core.step(input);
    this.nextWakeAtMs = nextWakeAtMs;
    for (const effect of effects) {
      this.#onEffect(effect);
      this.#carryOut(effect);
    }
    const target = this.core.appliedOffset;
    const end = this.applied[this.applied.length - 1];
    const appliedTo = end === undefined ? target : ((end.offset + 1) as Offset);
    if (appliedTo > target) this.step({ type: 'applied', nowMs: input.nowMs, offset: appliedTo });
  }

  get pendingIo(): number {
    return this.#pending.length;
  }

  /** Completes the oldest I/O of `file`, or of any file; false when there is none. */
  completeIo(nowMs: number, file?: PendingIo['file']): boolean {
    const at = this.#pending.findIndex((io) => file === undefined || io.file === file);
    const io = this.#pending[at];
    if (io === undefined) return false;
    this.#pending.splice(at, 1);
    io.reach(this.disk);
    if (io.file === 'quorum') this.#release(io.ioId);
    const input = io.tell(nowMs);
    if (input !== null) this.step(input);
    return true;
  }

  /** A checkpoint of everything applied; the log then begins there. */
  takeSnapshot(nowMs: number, at?: Offset): StoredSnapshot {
    const endOffset = at ?? this.core.appliedOffset;
    const id: SnapshotId = {
      endOffset,
      epoch: assertDefined(this.log.epochBefore(endOffset), 'no record before the snapshot'),
    };
    const sets = this.log.voterSetRecords().filter((set) => set.offset < endOffset);
    const voters = sets[sets.length - 1]?.voters ?? this.#memorySnapshot?.voters ?? this.core.voters;
    const state = this.applied.filter((record) => record.offset < endOffset);
    const snapshot: StoredSnapshot = { id, voters, kraftVersion: 1, state };
    this.#memorySnapshot = snapshot;
    this.disk.snapshot = snapshot;
    this.step({ type: 'snapshotCreated', nowMs, snapshotId: id, logStart: id });
    this.log.cleanTo(id);
    // A log on disk that ends before the checkpoint, or differs there because a truncation is still under
    // way, is one that the next start throws away (design 18).
    if (this.disk.log.epochBefore(endOffset) !== id.epoch) this.disk.log.resetTo(id);
    else this.disk.log.cleanTo(id);
    return snapshot;
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'sendMessage':
        if (effect.after !== undefined && effect.after > this.#persistedIoId) this.#held.push(effect);
        else this.#onMessage(effect.to, effect.message);
        return;
      case 'sendLogRange':
        this.#sendLogRange(effect);
        return;
      case 'sendSnapshotChunk':
        this.#sendChunk(effect);
        return;
      case 'applyCommitted':
        this.#apply(effect.from, effect.to);
        return;
      case 'persistQuorumState':
      case 'appendBatches':
      case 'truncateLog':
      case 'storeSnapshotChunk':
      case 'installSnapshot':
        this.#begin(effect);
        return;
      default:
    }
  }

  #begin(
    effect: Extract<
      Effect,
      {
        type:
          | 'persistQuorumState'
          | 'appendBatches'
          | 'truncateLog'
          | 'storeSnapshotChunk'
          | 'installSnapshot';
      }
    >,
  ): void {
    const { ioId } = effect;
    switch (effect.type) {
      case 'persistQuorumState':
        this.#pending.push({
          file: 'quorum',
          ioId,
          reach: (disk) => {
            disk.quorumState = effect.state;
          },
          tell: (nowMs) => ({ type: 'quorumStatePersisted', nowMs, ioId }),
        });
        return;
      case 'appendBatches': {
        const before = this.log.batches.length;
        this.log.append(effect.batches);
        const batches = this.log.batches.slice(before);
        this.#pending.push({
          file: 'log',
          ioId,
          reach: (disk) => appendDurably(disk, batches),
          tell: (nowMs) => ({ type: 'logFlushed', nowMs, ioId }),
        });
        return;
      }
      case 'truncateLog':
        this.log.truncate(effect.to);
        this.#pending.push({
          file: 'log',
          ioId,
          reach: (disk) => {
            const { start, endOffset } = disk.log;
            if (endOffset > effect.to && start.endOffset <= effect.to) disk.log.truncate(effect.to);
          },
          tell: (nowMs) => ({ type: 'logTruncated', nowMs, ioId }),
        });
        return;
      case 'storeSnapshotChunk': {
        const { snapshotId, position, bytes } = effect;
        this.#pending.push({
          file: 'snapshot',
          ioId,
          reach: () => this.#store(snapshotId, position, bytes),
          tell: (nowMs) => ({ type: 'snapshotChunkStored', nowMs, ioId, position: position + bytes.length }),
        });
        return;
      }
      case 'installSnapshot':
        this.#pending.push({
          file: 'snapshot',
          ioId,
          reach: (disk) => this.#install(disk, effect.snapshotId),
          tell: (nowMs) => this.#installed(nowMs, ioId),
        });
    }
  }

  #release(ioId: IoId): void {
    this.#persistedIoId = Math.max(this.#persistedIoId, ioId);
    const free = this.#held.filter((effect) => (effect.after ?? 0) <= this.#persistedIoId);
    this.#held = this.#held.filter((effect) => (effect.after ?? 0) > this.#persistedIoId);
    for (const effect of free) this.#onMessage(effect.to, effect.message);
  }

  #sendLogRange(effect: Extract<Effect, { type: 'sendLogRange' }>): void {
    const { response, endOffset, maxBytes, to } = effect;
    const batches = this.log.read(response.outcome.fetchOffset, endOffset, maxBytes);
    assert(batches[0]?.baseOffset === response.outcome.fetchOffset, 'a fetch from inside a batch');
    this.#onMessage(to, { ...response, outcome: { ...response.outcome, batches } });
  }

  #sendChunk(effect: Extract<Effect, { type: 'sendSnapshotChunk' }>): void {
    const { to, response, position, maxBytes } = effect;
    const snapshot = this.#memorySnapshot;
    if (snapshot === null || snapshot.id.endOffset !== response.snapshotId.endOffset) {
      this.#onMessage(to, { ...response, outcome: { kind: 'refused', error: 'SNAPSHOT_NOT_FOUND' } });
      return;
    }
    const stream = new TextEncoder().encode(JSON.stringify(snapshot));
    const bytes = stream.slice(position, position + maxBytes);
    const last = position + bytes.length >= stream.length;
    this.#onMessage(to, { ...response, outcome: { kind: 'chunk', position, bytes, crc: 0, last } });
  }

  #store(id: SnapshotId, position: number, bytes: Uint8Array): void {
    const before = position === 0 ? new Uint8Array(0) : (this.#received?.bytes ?? new Uint8Array(0));
    assert(before.length === position, 'a chunk does not continue its stream');
    const joined = new Uint8Array(position + bytes.length);
    joined.set(before);
    joined.set(bytes, position);
    this.#received = { id, bytes: joined };
  }

  #install(disk: Disk, id: SnapshotId): void {
    const received = assertDefined(this.#received, 'nothing was received');
    const snapshot = JSON.parse(new TextDecoder().decode(received.bytes)) as StoredSnapshot;
    assert(snapshot.id.endOffset === id.endOffset, 'another snapshot was received');
    disk.snapshot = snapshot;
    disk.log.resetTo(id);
    this.#memorySnapshot = snapshot;
    this.log.resetTo(id);
    this.applied = [...snapshot.state];
    // Appends of the log that is gone complete no more.
    for (let at = this.#pending.length - 1; at >= 0; at--) {
      if (this.#pending[at]?.file === 'log') this.#pending.splice(at, 1);
    }
  }

  #installed(nowMs: number, ioId: IoId): Input {
    const { voters, kraftVersion } = assertDefined(this.#memorySnapshot, 'no snapshot was installed');
    return { type: 'snapshotInstalled', nowMs, ioId, snapshot: { voters, kraftVersion } };
  }

  #apply(from: Offset, to: Offset): void {
    for (const batch of this.log.batches) {
      for (let index = 0; index < batch.recordCount; index++) {
        const offset = (batch.baseOffset + index) as Offset;
        if (offset < from || offset >= to) continue;
        this.applied.push({ offset, epoch: batch.epoch, text: textOf(batch, index) });
      }
    }
    const last = this.applied[this.applied.length - 1];
    assert(last === undefined || last.offset === to - 1, `could not apply [${from}, ${to})`);
  }
}

function appendDurably(disk: Disk, batches: readonly LogBatch[]): void {
  for (const batch of batches) {
    // Below the disk's end only what a checkpoint has made needless meanwhile.
    if (batch.baseOffset >= disk.log.endOffset) disk.log.append([batch]);
  }
}

export function textOf(batch: LogBatch, index: number): string {
  if (batch.kind === 'control') return batch.records[index]?.type ?? '?';
  if (batch.body.form === 'none') return '?';
  return new TextDecoder().decode(batch.body.bytes).split(' ')[index] ?? '?';
}
