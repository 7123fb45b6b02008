import SortedBTree from 'sorted-btree';
import { assert } from './assert.ts';
import type { Comparer } from './compare.ts';
import { assertOpen, type EditToken } from './edit-token.ts';

/**
 * An ordered map that is immutable by cloning: `edit()` gives a draft in O(1) that shares every node, the
 * draft copies the nodes it changes, and `freeze()` makes a new map of it. Values should be frozen.
 *
 * Invariant: a tree is changed in place only under the token that cloned it. A draft that is frozen and
 * edited again under the same token goes on in the same tree, so that a builder copies a node once however
 * often it looks at what it has; whoever looked before then sees the change.
 *
 * This is the one file that imports `sorted-btree`: the package is CommonJS, so that under Node's ESM its
 * class is the `default` of the default export.
 */
const BTree = SortedBTree.default;
type Tree<Key, Value> = InstanceType<typeof BTree<Key, Value>>;

export class OrderedMap<Key, Value> {
  readonly #tree: Tree<Key, Value>;
  readonly #owner: EditToken | null;

  private constructor(tree: Tree<Key, Value>, owner: EditToken | null) {
    this.#tree = tree;
    this.#owner = owner;
  }

  static empty<Key, Value>(comparer: Comparer<Key>): OrderedMap<Key, Value> {
    return new OrderedMap(new BTree<Key, Value>(undefined, comparer), null);
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

  /** The first entry whose key is not below `from`. */
  firstFrom(from: Key): [Key, Value] | undefined {
    return this.#tree.getPairOrNextHigher(from);
  }

  firstKey(): Key | undefined {
    return this.#tree.minKey();
  }

  lastKey(): Key | undefined {
    return this.#tree.maxKey();
  }

  edit(token: EditToken): OrderedMapDraft<Key, Value> {
    return new OrderedMapDraft(
      this,
      token,
      () => (this.#owner === token ? this.#tree : this.#tree.clone()),
      (tree) => (tree === this.#tree ? this : new OrderedMap(tree, token)),
    );
  }
}

/**
 * What a builder changes. It can be read like the map; it cannot be used after `freeze`. Nothing is cloned
 * before the first change, and an unchanged draft freezes to the map that it came from.
 */
export class OrderedMapDraft<Key, Value> {
  readonly #base: OrderedMap<Key, Value>;
  readonly #token: EditToken;
  readonly #own: () => Tree<Key, Value>;
  readonly #wrap: (tree: Tree<Key, Value>) => OrderedMap<Key, Value>;
  #tree: Tree<Key, Value> | null = null;
  #live: OrderedMap<Key, Value> | null = null;
  #isFrozen = false;

  constructor(
    base: OrderedMap<Key, Value>,
    token: EditToken,
    own: () => Tree<Key, Value>,
    wrap: (tree: Tree<Key, Value>) => OrderedMap<Key, Value>,
  ) {
    this.#base = base;
    this.#token = token;
    this.#own = own;
    this.#wrap = wrap;
  }

  #readable(): OrderedMap<Key, Value> | Tree<Key, Value> {
    assert(!this.#isFrozen, 'a draft was used after it was frozen');
    return this.#tree ?? this.#base;
  }

  #writable(): Tree<Key, Value> {
    assert(!this.#isFrozen, 'a draft was used after it was frozen');
    assertOpen(this.#token);
    this.#tree ??= this.#own();
    return this.#tree;
  }

  get size(): number {
    return this.#readable().size;
  }

  get(key: Key): Value | undefined {
    return this.#readable().get(key);
  }

  has(key: Key): boolean {
    return this.#readable().has(key);
  }

  set(key: Key, value: Value): void {
    this.#writable().set(key, value);
  }

  /** Inserts unless the key is there, in one descent; true when it was not. */
  add(key: Key, value: Value): boolean {
    return this.#writable().setIfNotPresent(key, value);
  }

  /** True when the key was there. */
  delete(key: Key): boolean {
    return this.#writable().delete(key);
  }

  /** The first entry whose key is not below `from`. */
  firstFrom(from: Key): [Key, Value] | undefined {
    const readable = this.#readable();
    return readable instanceof OrderedMap ? readable.firstFrom(from) : readable.getPairOrNextHigher(from);
  }

  entries(from?: Key): IterableIterator<[Key, Value]> {
    const readable = this.#readable();
    return from === undefined ? readable.entries() : readable.entries(from);
  }

  /** What stands now, live: it shows every later change of this draft, too. */
  look(): OrderedMap<Key, Value> {
    assert(!this.#isFrozen, 'a draft was used after it was frozen');
    if (this.#tree === null) return this.#base;
    this.#live ??= this.#wrap(this.#tree);
    return this.#live;
  }

  freeze(): OrderedMap<Key, Value> {
    const map = this.look();
    this.#isFrozen = true;
    this.#tree = null;
    return map;
  }
}
