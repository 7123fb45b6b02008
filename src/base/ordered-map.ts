import SortedBTree from 'sorted-btree';
import { assert } from './assert.ts';
import type { Comparer } from './compare.ts';

/**
 * An ordered map that is immutable by cloning: `edit()` gives a draft in O(1) that shares every node, the
 * draft copies the nodes it changes, and `freeze()` makes a new map of it. Values should be frozen.
 *
 * This is the one file that imports `sorted-btree`: the package is CommonJS, so that under Node's ESM its
 * class is the `default` of the default export.
 */
const BTree = SortedBTree.default;
type Tree<Key, Value> = InstanceType<typeof BTree<Key, Value>>;

export class OrderedMap<Key, Value> {
  readonly #tree: Tree<Key, Value>;

  private constructor(tree: Tree<Key, Value>) {
    this.#tree = tree;
  }

  static empty<Key, Value>(comparer: Comparer<Key>): OrderedMap<Key, Value> {
    return new OrderedMap(new BTree<Key, Value>(undefined, comparer));
  }

  get size(): number {
    return this.#tree.size;
  }

  get(key: Key): Value | undefined {
    return this.#tree.get(key);
  }

  has(key: Key): boolean {
    return this.#tree.has(key);
  }

  keys(): IterableIterator<Key> {
    return this.#tree.keys();
  }

  values(): IterableIterator<Value> {
    return this.#tree.values();
  }

  /** In order, from the first key that is not below `from`. */
  entries(from?: Key): IterableIterator<[Key, Value]> {
    return from === undefined ? this.#tree.entries() : this.#tree.entries(from);
  }

  /** In order, from the first key above `key`. */
  *entriesAfter(key: Key): IterableIterator<[Key, Value]> {
    const compare = this.#tree._compare;
    for (const entry of this.#tree.entries(key)) {
      if (compare(entry[0], key) !== 0) yield entry;
    }
  }

  firstKey(): Key | undefined {
    return this.#tree.minKey();
  }

  lastKey(): Key | undefined {
    return this.#tree.maxKey();
  }

  edit(): OrderedMapDraft<Key, Value> {
    return new OrderedMapDraft(this.#tree.clone(), (tree) => new OrderedMap(tree));
  }
}

/** What a builder changes. It can be read like the map; it cannot be used after `freeze`. */
export class OrderedMapDraft<Key, Value> {
  #tree: Tree<Key, Value> | null;
  readonly #wrap: (tree: Tree<Key, Value>) => OrderedMap<Key, Value>;

  constructor(tree: Tree<Key, Value>, wrap: (tree: Tree<Key, Value>) => OrderedMap<Key, Value>) {
    this.#tree = tree;
    this.#wrap = wrap;
  }

  #open(): Tree<Key, Value> {
    const tree = this.#tree;
    assert(tree !== null, 'a draft was used after it was frozen');
    return tree;
  }

  get size(): number {
    return this.#open().size;
  }

  get(key: Key): Value | undefined {
    return this.#open().get(key);
  }

  has(key: Key): boolean {
    return this.#open().has(key);
  }

  set(key: Key, value: Value): void {
    this.#open().set(key, value);
  }

  /** True when the key was there. */
  delete(key: Key): boolean {
    return this.#open().delete(key);
  }

  firstKey(): Key | undefined {
    return this.#open().minKey();
  }

  entries(from?: Key): IterableIterator<[Key, Value]> {
    return from === undefined ? this.#open().entries() : this.#open().entries(from);
  }

  freeze(): OrderedMap<Key, Value> {
    const map = this.#wrap(this.#open());
    this.#tree = null;
    return map;
  }
}
