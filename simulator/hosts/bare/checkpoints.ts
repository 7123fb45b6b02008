import { assert } from '../../../src/base/assert.ts';
import type { Epoch, Offset } from '../../../src/base/brands.ts';
import type { CheckpointStore, CheckpointStores } from '../../../src/ports/checkpoint-store.ts';
import type { SimulatedStores } from '../../../src/testing/world/checkpoint-store.ts';
import type { SnapshotId } from '../../../src/raft/snapshot-id.ts';
import { decodeCheckpoint, encodeCheckpoint, type RegisterCheckpoint } from './register-machine.ts';

const checkpointKey = new Uint8Array([1]);
const chunkPrefix = 2;

/**
 * The bare host's checkpoints: the whole state as one value, written in one synced batch, and received
 * chunk by chunk into the database beside it.
 */
export class BareCheckpoints {
  /** The newest durable checkpoint, and its bytes as they are streamed to others. */
  latest: RegisterCheckpoint | null = null;
  #bytes: Uint8Array = new Uint8Array(0);
  #store: CheckpointStore | null = null;
  #receiving: { readonly snapshotId: SnapshotId; readonly store: CheckpointStore } | null = null;
  readonly #stores: CheckpointStores;
  readonly #failed: (reason: string) => void;

  constructor(stores: CheckpointStores, failed: (reason: string) => void) {
    this.#stores = stores;
    this.#failed = failed;
  }

  get latestId(): SnapshotId | null {
    if (this.latest === null) return null;
    return { endOffset: this.latest.endOffset as Offset, epoch: this.latest.epoch as Epoch };
  }

  open(done: () => void): void {
    this.#stores.open((opened) => {
      if (!opened.ok) {
        this.#failed(opened.error.message);
        return;
      }
      this.#store = opened.value;
      opened.value.submit<'get'>({ kind: 'get', keys: [checkpointKey] }, (found) => {
        if (!found.ok) {
          this.#failed(found.error.message);
          return;
        }
        const bytes = found.value[0] ?? null;
        if (bytes !== null) this.#hold(bytes);
        done();
      });
    });
  }

  /** Writes a checkpoint; `done` when it is durable. */
  write(checkpoint: RegisterCheckpoint, done: () => void): void {
    const bytes = encodeCheckpoint(checkpoint);
    const puts = [{ key: checkpointKey, value: bytes }];
    this.#store?.submit<'write'>({ kind: 'write', puts, deletes: [], sync: true }, (written) => {
      if (!written.ok) {
        this.#failed(written.error.message);
        return;
      }
      // A snapshot installed meanwhile may be further on, in another database.
      if ((this.latest?.endOffset ?? 0) < checkpoint.endOffset) this.#hold(bytes);
      done();
    });
  }

  /** A piece of the newest checkpoint's bytes; null when `snapshotId` is not the newest. */
  chunk(snapshotId: SnapshotId, position: number, maxBytes: number): Chunk | null {
    const { latest } = this;
    if (latest === null || latest.endOffset !== snapshotId.endOffset) return null;
    if (position > this.#bytes.length) return null;
    const bytes = this.#bytes.subarray(position, position + maxBytes);
    return { bytes, last: position + bytes.length === this.#bytes.length };
  }

  store(snapshotId: SnapshotId, position: number, bytes: Uint8Array, done: () => void): void {
    this.#openReceiving(snapshotId, (store) => {
      const puts = [{ key: chunkKey(position), value: bytes }];
      store.submit<'write'>({ kind: 'write', puts, deletes: [], sync: false }, (written) => {
        if (written.ok) done();
        else this.#failed(written.error.message);
      });
    });
  }

  /** Puts the received chunks together and makes them the checkpoint in force; null when they are not whole. */
  install(snapshotId: SnapshotId, done: (checkpoint: RegisterCheckpoint | null) => void): void {
    this.#openReceiving(snapshotId, (store) => {
      const scan = {
        kind: 'scan',
        from: chunkKey(0),
        to: new Uint8Array([chunkPrefix + 1]),
        limit: 1_000_000,
      } as const;
      store.submit<'scan'>(scan, (found) => {
        if (!found.ok) {
          this.#failed(found.error.message);
          return;
        }
        const bytes = concatenate(found.value.map((entry) => entry.value));
        const checkpoint = decodeCheckpoint(bytes);
        const isWhole =
          checkpoint?.endOffset === snapshotId.endOffset && checkpoint.epoch === snapshotId.epoch;
        if (checkpoint !== null && isWhole) this.#putInForce(store, bytes, checkpoint, done);
        else done(null);
      });
    });
  }

  #putInForce(
    store: CheckpointStore,
    bytes: Uint8Array,
    checkpoint: RegisterCheckpoint,
    done: (checkpoint: RegisterCheckpoint) => void,
  ): void {
    const puts = [{ key: checkpointKey, value: bytes }];
    store.submit<'write'>({ kind: 'write', puts, deletes: [], sync: true }, (written) => {
      if (!written.ok) {
        this.#failed(written.error.message);
        return;
      }
      this.#stores.installReceived((installed) => {
        if (!installed.ok) {
          this.#failed(installed.error.message);
          return;
        }
        this.#store = installed.value;
        this.#receiving = null;
        this.#hold(bytes);
        done(checkpoint);
      });
    });
  }

  #openReceiving(snapshotId: SnapshotId, use: (store: CheckpointStore) => void): void {
    const held = this.#receiving;
    if (held !== null && held.snapshotId.endOffset === snapshotId.endOffset) {
      use(held.store);
      return;
    }
    this.#stores.openReceiving(snapshotId, (opened) => {
      if (!opened.ok) {
        this.#failed(opened.error.message);
        return;
      }
      this.#receiving = { snapshotId, store: opened.value };
      use(opened.value);
    });
  }

  #hold(bytes: Uint8Array): void {
    const checkpoint = decodeCheckpoint(bytes);
    assert(checkpoint !== null, 'a checkpoint in force can be read');
    this.latest = checkpoint;
    this.#bytes = bytes;
  }
}

/** The end of the checkpoint that a power failure would leave. */
export function durableCheckpointEnd(stores: SimulatedStores): Offset {
  const bytes = stores.durableValue(checkpointKey);
  const checkpoint = bytes === null ? null : decodeCheckpoint(bytes);
  return (checkpoint?.endOffset ?? 0) as Offset;
}

export type Chunk = { readonly bytes: Uint8Array; readonly last: boolean };

function chunkKey(position: number): Uint8Array {
  const key = new Uint8Array(5);
  key[0] = chunkPrefix;
  new DataView(key.buffer).setUint32(1, position);
  return key;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
