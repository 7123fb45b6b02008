import type { CheckpointManifest } from '../../codec/checkpoint-manifest.ts';
import type { Offset } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { Effect } from '../../raft/effects.ts';
import type { FetchSnapshotResponse } from '../../raft/messages.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import type { SnapshotError, SnapshotView } from '../controller-api.ts';
import type { ControllerPorts, ControllerSettings } from '../node-options.ts';
import type { RaftDriver } from '../raft-driver.ts';
import { runSequence } from '../sequence.ts';
import type { OpenedStorage } from '../start/open-storage.ts';
import type { CommittedState } from '../state/committed-state.ts';
import { type Checkpoint, Checkpointer } from './checkpointer.ts';
import { PageVersions } from './page-versions.ts';
import { type InstalledSnapshot, SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';

export type SnapshotsOptions = {
  readonly core: RaftCore;
  readonly storage: OpenedStorage;
  readonly settings: ControllerSettings;
  readonly ports: ControllerPorts;
  readonly driver: () => RaftDriver;
  readonly state: () => CommittedState;
  readonly onFatal: (reason: string) => void;
};

type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

type Task = (next: () => void) => void;

/** A log reset that waits for the log's completion, and what follows it. */
type PendingReset = { readonly ioId: number; readonly done: () => void };

/** Checkpoints of this node, snapshots that it sends, and the one that it receives. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #checkpointer: Checkpointer;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  /** Earlier checkpoints, oldest first: the log may begin at one of them, and nowhere else. */
  #earlier: PastCheckpoint[] = [];
  /** Bytes of log applied since the process started. */
  #bytesApplied = 0;
  #pendingReset: PendingReset | null = null;
  /** Chunks and the installation that wait for those before them. */
  #waiting: Task[] = [];
  #isTaking = false;
  #isClosed = false;
  /** Those who wait for a snapshot that holds everything below an offset. */
  #takers: Taker[] = [];

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    const { storage, settings, ports } = options;
    const { checkpoint } = storage;
    this.#checkpointer = new Checkpointer({
      store: storage.store,
      clock: ports.clock,
      logger: ports.logger,
      current: checkpoint,
      versions: checkpoint?.versions ?? new PageVersions(),
      abandoned: checkpoint?.leftOver ?? [],
      bytesBetween: settings.checkpointBytes,
      intervalMs: settings.checkpointIntervalMs,
      describe: (image) => this.#describe(image),
      onCreated: (created) => this.#created(created),
      onPostponed: () => this.#failTakers(noRoom),
      onFailed: options.onFatal,
    });
    if (checkpoint !== null)
      this.#earlier.push({ snapshotId: checkpoint.manifest.snapshotId, bytesApplied: 0 });
    this.#sender = new SnapshotSender(ports.clock, (snapshotId) => this.#checkpointer.entriesOf(snapshotId));
    this.#receiver = new SnapshotReceiver(storage.image.registry, ports.checkpointStores, ports.clock);
  }

  get latestOffset(): Offset | null {
    return this.#checkpointer.current?.manifest.snapshotId.endOffset ?? null;
  }

  /** Append timestamp of the last batch in the newest checkpoint; null without one. */
  get latestTimestampMs(): number | null {
    return this.#checkpointer.current?.manifest.timestampMs ?? null;
  }

  /** What is in force; an earlier one is given up when the next is written. */
  list(): readonly SnapshotView[] {
    const { current } = this.#checkpointer;
    return current === null ? [] : [viewOf(current)];
  }

  /** Takes one now, and answers once it is in force. What it will hold is what is applied at this moment. */
  take(complete: Taker['complete']): void {
    const { image } = this.#options.state();
    const { current } = this.#checkpointer;
    if (current !== null && current.image.endOffset >= image.endOffset) {
      complete(ok(viewOf(current)));
    } else if (this.#describe(image) === null) {
      complete(failed(unsettled));
    } else {
      this.#takers.push({ endOffset: image.endOffset, complete });
      this.#checkpointer.write(image);
    }
  }

  get chunksReceived(): number {
    return this.#receiver.chunksReceived;
  }

  applied(image: MetadataImage, bytes: number): void {
    this.#bytesApplied += bytes;
    this.#checkpointer.applied(image, bytes);
  }

  answer(effect: EffectOf<'sendSnapshotChunk'>): FetchSnapshotResponse {
    return this.#sender.answer(effect);
  }

  store(effect: EffectOf<'storeSnapshotChunk'>): void {
    this.#inTurn((next) =>
      runSequence(this.#receiver.store(effect), (stored) => {
        if (this.#isClosed) return;
        if (!stored.ok) this.#options.onFatal(stored.error);
        else this.#options.driver().snapshotChunkStored(effect.ioId, effect.position + effect.bytes.length);
        next();
      }),
    );
  }

  /** A checkpoint that is being written comes to its end first: the store that it is written to goes away. */
  install(effect: EffectOf<'installSnapshot'>): void {
    this.#inTurn((next) => this.#checkpointer.pause(() => this.#installNow(effect, next)));
  }

  /** True when the log's completion belonged to a reset of ours and not to a truncation of the core's. */
  logTruncated(ioId: number): boolean {
    const pending = this.#pendingReset;
    if (pending === null || pending.ioId !== ioId) return false;
    this.#pendingReset = null;
    pending.done();
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#failTakers(stopping);
    this.#waiting = [];
    this.#checkpointer.close();
  }

  /**
   * What a snapshot brings is taken in one after another: a new download may begin while the last one's chunk
   * is written.
   */
  #inTurn(task: Task): void {
    this.#waiting.push(task);
    if (!this.#isTaking) this.#takeNext();
  }

  #takeNext(): void {
    const task = this.#waiting.shift();
    this.#isTaking = task !== undefined;
    task?.(() => this.#takeNext());
  }

  #installNow(effect: EffectOf<'installSnapshot'>, next: () => void): void {
    const { ports } = this.#options;
    runSequence(this.#receiver.install(effect.snapshotId), (installation) => {
      if (this.#isClosed) return;
      if (!installation.ok) {
        this.#options.onFatal(installation.error);
      } else if (installation.value === null) {
        // The core asks again after a pause that grows; an operator should know why the node does not catch up.
        ports.logger.error('snapshot-refused', { ...effect.snapshotId });
        this.#checkpointer.resume();
        this.#options.driver().snapshotInstalled(effect.ioId, null);
      } else {
        this.#putInForce(effect, installation.value);
      }
      next();
    });
  }

  /**
   * The snapshot is durable and in force; then the log begins anew behind it (design 18), and only when the
   * core knows of that does the state follow: what it applies is committed as far as the core knows.
   */
  #putInForce(effect: EffectOf<'installSnapshot'>, { store, loaded }: InstalledSnapshot): void {
    const { storage, driver, state } = this.#options;
    const { manifest, image, versions } = loaded;
    this.#checkpointer.replaceBy(store, { manifest, image }, versions);
    this.#tellTakers();
    this.#earlier = [{ snapshotId: manifest.snapshotId, bytesApplied: this.#bytesApplied }];
    this.#sender.forgetAll();
    state().suspend();
    const { voters, kraftVersion } = manifest;
    this.#pendingReset = {
      ioId: effect.ioId,
      done: () => {
        driver().snapshotInstalled(effect.ioId, { voters, kraftVersion });
        state().replaceBy(image);
      },
    };
    storage.log.resetTo(effect.ioId, manifest.snapshotId, manifest.chainCrc);
  }

  /** What the manifest says of the log; null while a voter set may still be truncated away. */
  #describe(image: MetadataImage): Omit<CheckpointManifest, 'root' | 'pageCount'> | null {
    const { core, storage } = this.#options;
    const { currentVoterSet, kraftVersion } = core;
    if (currentVoterSet.offset >= image.endOffset) return null;
    const chainCrc = storage.log.chainCrcAt(image.endOffset);
    if (chainCrc === null) return null;
    return {
      snapshotId: { endOffset: image.endOffset, epoch: image.epoch },
      chainCrc,
      timestampMs: image.timestampMs,
      kraftVersion,
      voters: currentVoterSet.voters,
    };
  }

  #created({ manifest }: Checkpoint): void {
    const { core, storage, driver } = this.#options;
    const { snapshotId } = manifest;
    this.#earlier.push({ snapshotId, bytesApplied: this.#bytesApplied });
    const logStart = this.#chooseLogStart();
    this.#earlier = this.#earlier.filter((past) => past.snapshotId.endOffset >= logStart.endOffset);

    const before = core.logStart.endOffset;
    driver().push({ type: 'snapshotCreated', snapshotId, logStart });
    if (logStart.endOffset > before) storage.log.cleanTo(logStart);
    this.#tellTakers();
  }

  /** Whoever asked while another was written may want more than that one holds. */
  #tellTakers(): void {
    const { current } = this.#checkpointer;
    if (current === null) return;
    const isServed = (taker: Taker): boolean => taker.endOffset <= current.image.endOffset;
    const served = this.#takers.filter(isServed);
    this.#takers = this.#takers.filter((taker) => !isServed(taker));
    for (const { complete } of served) complete(ok(viewOf(current)));
    if (this.#takers.length > 0) this.#checkpointer.write(this.#options.state().image);
  }

  #failTakers(error: SnapshotError): void {
    for (const { complete } of this.#takers.splice(0)) complete(failed(error));
  }

  /**
   * The log begins at a checkpoint (KIP-630: "the log start is always at a snapshot"): the newest one behind
   * which enough log remains for a replica that was away briefly to catch up by log.
   */
  #chooseLogStart(): SnapshotId {
    const { core, settings } = this.#options;
    let chosen = core.logStart;
    for (const { snapshotId, bytesApplied } of this.#earlier) {
      const bytesBehind = this.#bytesApplied - bytesApplied;
      if (bytesBehind < settings.logRetentionBytes) break;
      if (snapshotId.endOffset > chosen.endOffset) chosen = snapshotId;
    }
    return chosen;
  }
}

type Taker = {
  readonly endOffset: Offset;
  readonly complete: (result: Result<SnapshotView, SnapshotError>) => void;
};

const noRoom: SnapshotError = {
  code: 'STORAGE_LOW',
  message: 'There is no room for a snapshot on this node’s disk.',
};
const stopping: SnapshotError = { code: 'NOT_CONTROLLER', message: 'This node stops.' };
const unsettled: SnapshotError = {
  code: 'VOTER_CHANGE_PENDING',
  message: 'A change of the voters is not committed yet; ask again a little later.',
};

function viewOf({ manifest }: Checkpoint): SnapshotView {
  const { snapshotId, timestampMs, pageCount } = manifest;
  return { endOffset: snapshotId.endOffset, epoch: snapshotId.epoch, timestampMs, pageCount };
}

type PastCheckpoint = { readonly snapshotId: SnapshotId; readonly bytesApplied: number };
