import type { Uuid } from '../../../src/base/brands.ts';
import { hashIntegers, seededRandom } from '../../../src/base/random.ts';
import { randomUuid } from '../../../src/base/uuid.ts';
import type { ModelDisk, StoredLog } from './model-disk.ts';

/** What becomes of a directory that has failed, once its broker is started anew. */
const fates = ['back', 'replaced', 'gone'] as const;

/**
 * The log directories of one broker: in which of them each log stands, and which have failed. It outlives the broker's
 * processes, as its disk does. Some brokers name none, and then nothing here fails.
 */
export class ModelDirectories {
  readonly #disk: ModelDisk;
  readonly #seed: number;
  readonly #places = new Map<string, Uuid>();
  /** What stands in those that have failed since the broker was started. */
  readonly #failed = new Map<Uuid, ReadonlyMap<string, StoredLog>>();
  #online: Uuid[];
  #named: readonly Uuid[];
  #made = 0;

  constructor(disk: ModelDisk, count: number, seed: number) {
    this.#disk = disk;
    this.#seed = seed;
    this.#online = Array.from({ length: count }, () => this.#makeId());
    this.#named = [...this.#online];
  }

  /** Those that were online when the broker was started, which its incarnation registers. */
  get named(): readonly Uuid[] {
    return this.#named;
  }

  /** Those that have failed since. */
  get offline(): readonly Uuid[] {
    return [...this.#failed.keys()];
  }

  get haveAllFailed(): boolean {
    return this.#named.length > 0 && this.#online.length === 0;
  }

  /** One of those that are online is unreadable from now on. False where the broker has named none. */
  fail(chance: number): boolean {
    const directory = this.#online[chance % this.#online.length];
    if (directory === undefined) return false;
    const logs = new Map<string, StoredLog>();
    for (const [key, place] of this.#places) {
      const log = this.#disk.logs.get(key);
      if (place === directory && log !== undefined) logs.set(key, log);
    }
    this.#disk.take(logs);
    this.#failed.set(directory, logs);
    this.#online = this.#online.filter((id) => id !== directory);
    return true;
  }

  /** Somebody has seen to what failed. */
  startAnew(chance: number): void {
    for (const [directory, logs] of this.#failed) {
      const fate = fates[hashIntegers(chance, this.#made) % fates.length] ?? 'back';
      if (fate === 'back') {
        this.#online.push(directory);
        this.#disk.giveBack(logs);
        continue;
      }
      for (const [key, place] of this.#places) if (place === directory) this.#places.delete(key);
      if (fate === 'replaced' || this.#online.length === 0) this.#online.push(this.#makeId());
    }
    this.#failed.clear();
    this.#named = [...this.#online];
  }

  /** Every disk is replaced by an empty one. */
  wipe(): void {
    this.#places.clear();
    this.#failed.clear();
    this.#online = this.#named.map(() => this.#makeId());
    this.#named = [...this.#online];
  }

  /**
   * Where a log stands, or is to stand by what the controllers say; null where it was lost since the broker was
   * started, or where no directory is left: in this life it is not made anew.
   */
  placeOf(key: string, assigned: Uuid): Uuid | null {
    const known = this.#places.get(key);
    if (known !== undefined) return this.#failed.has(known) ? null : known;
    if (this.#failed.has(assigned) || this.#online.length === 0) return null;
    const chosen = this.#online.includes(assigned)
      ? assigned
      : this.#online[hashIntegers(this.#seed, this.#places.size) % this.#online.length];
    if (chosen !== undefined) this.#places.set(key, chosen);
    return chosen ?? null;
  }

  /** Where the controllers are to be told that a log stands, or stood when it was lost; null where nobody knows. */
  knownPlaceOf(key: string): Uuid | null {
    return this.#places.get(key) ?? null;
  }

  #makeId(): Uuid {
    return randomUuid(seededRandom(hashIntegers(this.#seed, this.#made++)));
  }
}
