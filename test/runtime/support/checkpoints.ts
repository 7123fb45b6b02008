import { nodeId } from '../../../src/base/brands.ts';
import type { Result } from '../../../src/base/result.ts';
import { zeroUuid } from '../../../src/base/uuid.ts';
import type { MetadataImage } from '../../../src/metadata/image.ts';
import type { CheckpointStore, CheckpointStores, StoreError } from '../../../src/ports/checkpoint-store.ts';
import { silentLogger } from '../../../src/ports/logger.ts';
import type { Voter } from '../../../src/raft/replica-key.ts';
import { type Checkpoint, Checkpointer } from '../../../src/runtime/checkpoint/checkpointer.ts';
import {
  type LoadCheckpointError,
  type LoadedCheckpoint,
  loadCheckpoint,
} from '../../../src/runtime/checkpoint/load-checkpoint.ts';
import { PageVersions } from '../../../src/runtime/checkpoint/page-versions.ts';
import { runSequence } from '../../../src/runtime/sequence.ts';
import { SimulatedStores } from '../../../src/testing/world/checkpoint-store.ts';
import { VirtualProcess } from './clock.ts';
import { builtInRegistry } from '../../../src/metadata/registry.ts';

const voter: Voter = {
  id: nodeId(1),
  directoryId: zeroUuid,
  endpoint: { host: 'node1', port: 9645 },
  kraftVersions: { min: 1, max: 1 },
};

type Loaded = Result<LoadedCheckpoint | null, LoadCheckpointError>;

/** A node's checkpoint store over several processes, as one node after the other opens it. */
export class CheckpointHost {
  readonly stores: SimulatedStores;
  host = new VirtualProcess();
  port: CheckpointStores;
  readonly created: Checkpoint[] = [];
  readonly failures: string[] = [];
  /** The voter set that its checkpoints tell of. */
  voters: readonly Voter[] = [voter];

  constructor(seed = 1) {
    this.stores = new SimulatedStores(seed);
    this.port = this.stores.attach(this.host.schedule);
  }

  /** The process ends; with `power` what was not synced may be lost. Another takes its place. */
  restart(power: boolean): void {
    this.host.process.end();
    if (power) this.stores.losePower();
    else this.stores.killProcess();
    this.host = new VirtualProcess();
    this.port = this.stores.attach(this.host.schedule);
  }

  open(): CheckpointStore {
    const opened = this.host.await<Result<CheckpointStore, StoreError>>((done) => this.port.open(done));
    if (!opened.ok) throw new Error(opened.error.message);
    return opened.value;
  }

  load(): Loaded {
    const store = this.open();
    return this.host.await<Loaded>((done) =>
      runSequence(loadCheckpoint(builtInRegistry, store, this.host.clock), done),
    );
  }

  /** What is in force, which must verify. */
  loaded(): LoadedCheckpoint | null {
    const loaded = this.load();
    if (!loaded.ok) throw new Error(`${loaded.error.code}: ${loaded.error.message}`);
    return loaded.value;
  }

  /** A checkpointer that goes on from what is in force. `tap` stands between it and the store. */
  checkpointer(
    options: {
      readonly tap?: (store: CheckpointStore) => CheckpointStore;
      readonly bytesBetween?: number;
      readonly intervalMs?: number;
    } = {},
  ): Checkpointer {
    const current = this.loaded();
    const store = this.open();
    return new Checkpointer({
      store: options.tap?.(store) ?? store,
      clock: this.host.clock,
      logger: silentLogger,
      current,
      versions: current?.versions ?? new PageVersions(),
      abandoned: current?.leftOver ?? [],
      bytesBetween: options.bytesBetween ?? 1,
      intervalMs: options.intervalMs ?? 3_600_000,
      describe: (image) => ({
        snapshotId: { endOffset: image.endOffset, epoch: image.epoch },
        chainCrc: 5,
        timestampMs: image.timestampMs,
        kraftVersion: 1,
        voters: this.voters,
      }),
      onCreated: (checkpoint) => this.created.push(checkpoint),
      onFailed: (reason) => this.failures.push(reason),
    });
  }

  /** Writes one checkpoint to its end. */
  write(image: MetadataImage): void {
    const before = this.created.length;
    this.checkpointer().write(image);
    for (let waited = 0; this.created.length === before && waited < 5_000; waited++) this.host.run(5);
    if (this.created.length === before) throw new Error(`not written: ${this.failures.join()}`);
    this.host.run(50);
  }
}
