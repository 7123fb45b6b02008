import type { Result } from '../../src/base/result.ts';
import type {
  CheckpointStore,
  CheckpointStores,
  StoreError,
  StoreOperation,
  StoreResults,
  StoreSetAside,
} from '../../src/ports/checkpoint-store.ts';
import type { SnapshotId } from '../../src/raft/snapshot-id.ts';
import { LevelStores } from '../../src/storage/level-stores.ts';

type Complete<Value> = (result: Result<Value, StoreError>) => void;

/** The real databases of one node, until it is killed: from then on nothing is begun and nothing completes. */
export class KillableStores implements CheckpointStores {
  readonly #stores: LevelStores;
  #isKilled = false;

  constructor(directory: string) {
    this.#stores = new LevelStores(directory);
  }

  open(complete: Complete<CheckpointStore>): void {
    if (!this.#isKilled) this.#stores.open((opened) => this.#hand(opened, complete));
  }

  openReceiving(snapshotId: SnapshotId, complete: Complete<CheckpointStore>): void {
    if (this.#isKilled) return;
    this.#stores.openReceiving(snapshotId, (opened) => this.#hand(opened, complete));
  }

  discardReceiving(complete: Complete<null>): void {
    if (!this.#isKilled) this.#stores.discardReceiving(this.#whileAlive(complete));
  }

  installReceived(complete: Complete<CheckpointStore>): void {
    if (!this.#isKilled) this.#stores.installReceived((opened) => this.#hand(opened, complete));
  }

  setAside(complete: Complete<StoreSetAside>): void {
    if (this.#isKilled) return;
    this.#stores.setAside((aside) => {
      if (this.#isKilled) return;
      if (!aside.ok) complete(aside);
      else complete({ ok: true, value: { ...aside.value, store: this.#storeOf(aside.value.store) } });
    });
  }

  close(complete: () => void): void {
    if (!this.#isKilled) this.#stores.close(complete);
  }

  /** Resolves when every database is closed. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    await new Promise<void>((resolve) => this.#stores.close(resolve));
  }

  #hand(opened: Result<CheckpointStore, StoreError>, complete: Complete<CheckpointStore>): void {
    if (this.#isKilled) return;
    complete(opened.ok ? { ok: true, value: this.#storeOf(opened.value) } : opened);
  }

  #storeOf(store: CheckpointStore): CheckpointStore {
    return {
      submit: <Kind extends StoreOperation['kind']>(
        operation: Extract<StoreOperation, { kind: Kind }>,
        complete: Complete<StoreResults[Kind]>,
      ) => {
        if (!this.#isKilled) store.submit(operation, this.#whileAlive(complete));
      },
    };
  }

  #whileAlive<Value>(complete: Complete<Value>): Complete<Value> {
    return (result) => {
      if (!this.#isKilled) complete(result);
    };
  }
}
