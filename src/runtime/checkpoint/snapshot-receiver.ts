import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { decodeCheckpointManifest } from '../../codec/checkpoint-manifest.ts';
import type {
  CheckpointStore,
  CheckpointStores,
  StoreEntry,
  StoreError,
  StoreResults,
} from '../../ports/checkpoint-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Effect } from '../../raft/effects.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import { type Sequence, wait } from '../sequence.ts';
import { type LoadedCheckpoint, loadCheckpoint } from './load-checkpoint.ts';
import { manifestKey, parseVersionedPageKey } from './page-keys.ts';
import { SnapshotStreamParser } from './snapshot-stream.ts';
import type { Registry } from '../../metadata/registry.ts';

type StoreSnapshotChunk = Extract<Effect, { type: 'storeSnapshotChunk' }>;
type Opened = Result<CheckpointStore, StoreError>;

export type InstalledSnapshot = { readonly store: CheckpointStore; readonly loaded: LoadedCheckpoint };

/** `null`: what was received does not verify and is thrown away; the core asks for it again. */
export type Installation = Result<InstalledSnapshot | null, string>;

/**
 * Takes a snapshot in, chunk by chunk, into a database of its own beside the one in force; at the end it is
 * loaded, verified by its root, and put in force by rename (design 18). Until then nothing that this node
 * relies on is touched.
 */
export class SnapshotReceiver {
  readonly #registry: Registry;
  readonly #stores: CheckpointStores;
  readonly #clock: Clock;
  #receiving: Receiving | null = null;
  #chunksReceived = 0;

  constructor(registry: Registry, stores: CheckpointStores, clock: Clock) {
    this.#registry = registry;
    this.#stores = stores;
    this.#clock = clock;
  }

  /** Since the process started. */
  get chunksReceived(): number {
    return this.#chunksReceived;
  }

  /** Stores one chunk. A chunk at position 0 begins anew; any other follows the one before. */
  *store(effect: StoreSnapshotChunk): Sequence<Result<null, string>> {
    this.#chunksReceived++;
    if (effect.position === 0 || this.#receiving === null) {
      const begun = yield* this.#begin(effect.snapshotId);
      if (!begun.ok) return begun;
    }
    const receiving = this.#receiving;
    if (receiving === null || receiving.isDamaged) return ok(null);
    const parsed = receiving.parser.push(effect.bytes);
    const isInOrder = effect.position === receiving.position;
    receiving.position += effect.bytes.length;
    // Damage is judged at the end, when the whole of it does not verify; the core then asks anew.
    if (!parsed.ok || !isInOrder || !parsed.value.every(isAcceptable)) {
      receiving.isDamaged = true;
      return ok(null);
    }
    const written = yield* put(receiving.store, parsed.value);
    if (written.ok) return ok(null);
    receiving.isDamaged = true;
    // What was received so far no longer reads; nothing rests on it, and the core asks for it anew.
    if (written.error.code === 'CORRUPT') return ok(null);
    return unlessFull('storing a snapshot', written.error);
  }

  /** Verifies what was received and puts it in force. */
  *install(snapshotId: SnapshotId): Sequence<Installation> {
    const receiving = this.#receiving;
    this.#receiving = null;
    if (receiving === null || receiving.isDamaged || !receiving.parser.isAtEntryEnd) return ok(null);
    const verified = yield* loadCheckpoint(this.#registry, receiving.store, this.#clock);
    if (!verified.ok && verified.error.code !== 'DAMAGED') return failed(verified.error.message);
    if (!verified.ok || verified.value === null) return ok(null);
    const { snapshotId: received, voters } = verified.value.manifest;
    // Nobody could ever be elected after it.
    if (voters.length === 0) return ok(null);
    if (received.endOffset !== snapshotId.endOffset || received.epoch !== snapshotId.epoch) return ok(null);
    const installed = yield* wait<Opened>((done) => this.#stores.installReceived(done));
    if (!installed.ok) return failed(`putting the received snapshot in force: ${installed.error.message}`);
    return ok({ store: installed.value, loaded: verified.value });
  }

  *#begin(snapshotId: SnapshotId): Sequence<Result<null, string>> {
    this.#receiving = null;
    // Pages of an earlier attempt may come from another leader, whose pages are cut otherwise, or be damaged;
    // and where a full disk has ended it, its room is needed.
    const discarded = yield* wait<Result<null, StoreError>>((done) => this.#stores.discardReceiving(done));
    if (!discarded.ok) return unlessFull('making room for a snapshot', discarded.error);
    const opened = yield* wait<Opened>((done) => this.#stores.openReceiving(snapshotId, done));
    if (!opened.ok) return unlessFull('making room for a snapshot', opened.error);
    this.#receiving = {
      store: opened.value,
      parser: new SnapshotStreamParser(),
      position: 0,
      isDamaged: false,
    };
    return ok(null);
  }
}

type Receiving = {
  readonly store: CheckpointStore;
  readonly parser: SnapshotStreamParser;
  position: number;
  isDamaged: boolean;
};

type Written = Result<StoreResults['write'], StoreError>;

function* put(store: CheckpointStore, entries: readonly StoreEntry[]): Sequence<Written> {
  if (entries.length === 0) return ok(null);
  return yield* wait<Written>((done) =>
    store.submit({ kind: 'write', puts: entries, deletes: [], sync: true }, done),
  );
}

/** A full disk throws away what was received and asks again later (design 20); any other failure stops the node. */
function unlessFull(
  what: string,
  error: { readonly code: string; readonly message: string },
): Result<null, string> {
  if (error.code !== 'NO_SPACE') return failed(`${what}: ${error.message}`);
  coverageMark('snapshot: no room for what is received');
  return ok(null);
}

/** Only what a checkpoint is made of is stored, and a manifest only when it can be read. */
function isAcceptable({ key, value }: StoreEntry): boolean {
  const isManifest = key.length === manifestKey.length && key[0] === manifestKey[0];
  return isManifest ? decodeCheckpointManifest(value).ok : parseVersionedPageKey(key) !== null;
}
