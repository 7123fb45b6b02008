import { failed, ok, type Result } from '../../base/result.ts';
import type {
  CheckpointStore,
  CheckpointStores,
  StoreEntry,
  StoreError,
  StoreOperation,
  StoreResults,
} from '../../ports/checkpoint-store.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import { HashedChance, slowedDelay, spreadDelay } from './chance.ts';
import { Stalls } from './stalls.ts';
import { Database } from './store/database.ts';
import type { Schedule } from './files.ts';

const storeLatencyUs: readonly number[] = [60, 80, 100, 120, 150, 200, 300, 900];
const syncLatencyUs: readonly number[] = [200, 220, 240, 260, 300, 400, 800, 4000];

/**
 * The databases of one node in memory: the one in force and one being received. They outlive the node's
 * processes; a power failure takes a suffix of what no synced write has followed.
 */
export class SimulatedStores {
  /** How many of the next writes fail. */
  failNextWrites = 0;
  slowness = 1;
  /** `low`: nothing can be compacted, which takes room beside what is there; `full`: nothing is written either. */
  room: 'enough' | 'low' | 'full' = 'enough';
  /** How the database in force is damaged: that opening it shows, or only reading it. */
  damaged: 'at open' | 'when read' | null = null;
  /** For latencies. */
  readonly chance: HashedChance;
  readonly #seed: number;
  readonly #spread: number;
  readonly stalls = new Stalls();
  #current = new Database();
  #receiving: { readonly snapshotId: SnapshotId; readonly database: Database } | null = null;
  #attachment = 0;

  /** `spread`: as that of the disk. */
  constructor(seed: number, spread = 0) {
    this.#spread = spread;
    this.#seed = seed;
    this.chance = new HashedChance(seed, 0x6c657665);
  }

  attach(schedule: Schedule): CheckpointStores {
    this.#attachment++;
    const attachment = this.#attachment;
    const later = (evenDelayUs: number, run: () => void): void => {
      const delayUs = spreadDelay(this.chance, evenDelayUs, this.#spread);
      const settle = (): void => {
        if (attachment !== this.#attachment) return;
        const goOn = (): void => schedule(slowedDelay(delayUs, this.slowness), settle);
        if (!this.stalls.holdBack(goOn)) run();
      };
      schedule(slowedDelay(delayUs, this.slowness), settle);
    };
    const handle = (database: Database): CheckpointStore => new StoreHandle(this, database, later);
    return {
      open: (complete) =>
        later(this.#delayUs(), () =>
          complete(this.damaged === 'at open' ? failed(corruption) : ok(handle(this.#current))),
        ),
      openReceiving: (snapshotId, complete) =>
        later(this.#delayUs(), () =>
          complete(this.room === 'full' ? failed(noSpace) : ok(handle(this.#receive(snapshotId)))),
        ),
      discardReceiving: (complete) =>
        later(this.#delayUs(), () => {
          this.#receiving = null;
          complete(ok(null));
        }),
      setAside: (complete) =>
        later(this.#delayUs(), () => {
          this.#current = new Database();
          this.damaged = null;
          complete(ok({ store: handle(this.#current), keptAs: 'the simulator keeps none' }));
        }),
      installReceived: (complete) =>
        later(this.#delayUs(), () => {
          if (this.#receiving === null) {
            complete(failed({ code: 'IO', message: 'nothing was received' }));
            return;
          }
          this.#current = this.#receiving.database;
          this.#current.settle();
          this.#receiving = null;
          complete(ok(handle(this.#current)));
        }),
      close: (complete) => later(0, complete),
    };
  }

  /** False when there is nothing to damage. */
  damage(how: 'at open' | 'when read'): boolean {
    if (this.#current.isEmpty) return false;
    this.damaged = how;
    return true;
  }

  /**
   * The database in force loses a page without a word, as LevelDB does where a record of its log is damaged. False
   * where there is none to lose. What says which pages there are is not lost: the bare host has nothing but that.
   */
  losePage(choice: number): boolean {
    return this.#current.forgetOne(choice);
  }

  /** What a power failure would leave under `key` in the database in force. */
  durableValue(key: Uint8Array): Uint8Array | null {
    return this.#current.durableValue(key);
  }

  /** The process ended and the machine did not: every completed write is still there. */
  killProcess(): void {
    this.#attachment++;
  }

  losePower(): void {
    this.#attachment++;
    const chance = new HashedChance(this.#seed, 0x6c6f7373, this.#attachment);
    this.#current.losePower(chance);
    this.#receiving?.database.losePower(chance);
  }

  isDamaged(database: Database): boolean {
    return this.damaged === 'when read' && database === this.#current;
  }

  wipe(): void {
    this.#attachment++;
    this.#current = new Database();
    this.#receiving = null;
    this.damaged = null;
  }

  /** Every fault that can end ends. */
  heal(): void {
    this.slowness = 1;
    this.room = 'enough';
    this.failNextWrites = 0;
    this.stalls.endAll();
  }

  #receive(snapshotId: SnapshotId): Database {
    const held = this.#receiving;
    const isSame =
      held !== null &&
      held.snapshotId.endOffset === snapshotId.endOffset &&
      held.snapshotId.epoch === snapshotId.epoch;
    if (isSame) return held.database;
    const database = new Database();
    this.#receiving = { snapshotId, database };
    return database;
  }

  #delayUs(): number {
    return this.chance.pick(storeLatencyUs);
  }
}

const noSpace: StoreError = { code: 'NO_SPACE', message: 'no space left on device' };
const corruption: StoreError = { code: 'CORRUPT', message: 'the database is damaged' };

class StoreHandle implements CheckpointStore {
  readonly #stores: SimulatedStores;
  readonly #database: Database;
  readonly #later: Schedule;

  constructor(stores: SimulatedStores, database: Database, later: Schedule) {
    this.#stores = stores;
    this.#database = database;
    this.#later = later;
  }

  submit<Kind extends StoreOperation['kind']>(
    operation: Extract<StoreOperation, { kind: Kind }>,
    complete: (result: Result<StoreResults[Kind], StoreError>) => void,
  ): void {
    const submitted: StoreOperation = operation;
    const isSynced = submitted.kind === 'compact' || (submitted.kind === 'write' && submitted.sync);
    const delayUs = this.#stores.chance.pick(isSynced ? syncLatencyUs : storeLatencyUs);
    this.#later(delayUs, () => {
      complete(this.#run(submitted) as Result<StoreResults[Kind], StoreError>);
    });
  }

  #run(
    operation: StoreOperation,
  ): Result<null | readonly (Uint8Array | null)[] | readonly StoreEntry[], StoreError> {
    if (this.#stores.isDamaged(this.#database)) return failed(corruption);
    switch (operation.kind) {
      case 'write':
        if (this.#stores.failNextWrites > 0) {
          this.#stores.failNextWrites--;
          return failed({ code: 'IO', message: 'write failed' });
        }
        if (this.#stores.room === 'full' && operation.puts.length > 0) return failed(noSpace);
        this.#database.write(operation.puts, operation.deletes);
        if (operation.sync) this.#database.settle();
        return ok(null);
      case 'get':
        return ok(operation.keys.map((key) => this.#database.get(key)));
      case 'scan':
        return ok(this.#database.scan(operation.from, operation.to, operation.limit));
      case 'compact':
        if (this.#stores.room !== 'enough') return failed(noSpace);
        this.#database.settle();
        return ok(null);
    }
  }
}
