import { epoch, offset, type Epoch, type Offset } from '../base/brands.ts';
import type { Columns } from '../base/columns.ts';
import type { Hasher } from '../base/digest.ts';
import type { EditToken } from '../base/edit-token.ts';
import type { RowTable } from '../base/row-table.ts';
import type { Fields, RecordOf, RecordSchema } from './schema.ts';

/** Where a record stands in the log, and the epoch and wall clock of its batch. */
export type Position = { readonly offset: Offset; readonly epoch: Epoch; readonly timestampMs: number };

/** The position by which a record of `toRecords` gives its row the right `lastModified`. */
export function rowPosition(lastModified: number, timestampMs = 0): Position {
  return { offset: offset(lastModified), epoch: epoch(0), timestampMs };
}

export type PositionedRecord<Record> = { readonly record: Record; readonly position: Position };

/**
 * One kind of metadata (design 15): its records, its state, and how a record changes the state.
 *
 * Rules
 * 1. `replay` is the only thing that changes state. It is deterministic, the same on leader and follower,
 *    validates no business rule and never decides by time (design 9, 11). It throws only where the log
 *    contradicts itself, which is a bug.
 * 2. `edit` and `freeze` cost no more than what changes; a frozen state never changes again.
 * 3. All state stands in `tables`; whatever else a state holds (indexes, counts) follows from them.
 * 4. Replaying `toRecords(state)` into the empty state gives a state with the same digest.
 */
export type ResourceDefinition<Name extends string, Records extends readonly RecordSchema[], State, Draft> = {
  readonly name: Name;
  readonly records: Records;
  empty(): State;
  edit(state: State, token: EditToken): Draft;
  freeze(draft: Draft): State;
  /**
   * The state as the draft has it, live: it may show later changes of the draft, too, and the draft goes on.
   * For kinds that most batches change; without it a look costs a `freeze` and an `edit`.
   */
  look?(draft: Draft): State;
  /** A handler for each record; the compiler refuses a missing one. */
  readonly replay: {
    readonly [Schema in Records[number] as Schema['name']]: ReplayHandler<Draft, RecordOf<Schema>>;
  };
  readonly tables: readonly TableDefinition<State, Draft>[];
  /** The state as records, each with the position that gives its row the right `lastModified`. */
  toRecords(state: State): Iterable<PositionedRecord<RecordOf<Records[number]>>>;
};

/** Written as a method, so that a handler of one record fits where a handler of any record is called. */
export type ReplayHandler<Draft, Record> = {
  handle(draft: Draft, record: Record, position: Position): void;
}['handle'];

/** `id` is pinned: it begins the keys of the table's pages in a checkpoint. */
export type TableDefinition<State, Draft> =
  | RowTableDefinition<State, Draft>
  | ColumnTableDefinition<State, Draft>;

export type RowTableDefinition<State, Draft, Row extends object = object> = {
  readonly kind: 'rows';
  readonly id: number;
  readonly name: string;
  readonly fields: Fields;
  table(state: State): RowTable<Row>;
  /** Puts a row of a checkpoint into its slot, and into the indexes. */
  load(draft: Draft, slot: number, row: Row): void;
};

export type ColumnTableDefinition<State, Draft> = {
  readonly kind: 'columns';
  readonly id: number;
  readonly name: string;
  table(state: State): Columns;
  /** Gives what takes a row's meaning (not its place) into the digest. */
  rowHasher(state: State): (slot: number, hasher: Hasher) => void;
  /** Takes in a page that was exported, and its rows into the indexes; false when it is none of this table. */
  loadPage(draft: Draft, index: number, ints: Int32Array): boolean;
};

/** Any resource, for code that treats all of them alike. */
export type AnyResource = {
  readonly name: string;
  readonly records: readonly RecordSchema[];
  empty(): unknown;
  edit(state: unknown, token: EditToken): unknown;
  freeze(draft: unknown): unknown;
  look?(draft: unknown): unknown;
  readonly replay: Readonly<Record<string, ReplayHandler<unknown, unknown>>>;
  readonly tables: readonly TableDefinition<unknown, unknown>[];
  toRecords(state: unknown): Iterable<PositionedRecord<{ readonly type: string }>>;
};

/**
 * Makes a kind of metadata. The definition is returned as it is: the call is there for the types, which demand a
 * replay handler for every record. Users add kinds of their own by `defineResource` (`resources/custom/`).
 */
export function defineKind<
  const Name extends string,
  const Records extends readonly RecordSchema[],
  State,
  Draft,
>(
  definition: ResourceDefinition<Name, Records, State, Draft>,
): ResourceDefinition<Name, Records, State, Draft> {
  return Object.freeze(definition);
}

type NoState = Readonly<Record<string, never>>;
const nothing: NoState = Object.freeze({});

/** A kind of operations alone: it has no records and no state of its own. */
export function defineStatelessKind<const Name extends string>(
  name: Name,
): ResourceDefinition<Name, readonly [], NoState, NoState> {
  return defineKind<Name, readonly [], NoState, NoState>({
    name,
    records: [],
    empty: () => nothing,
    edit: (state) => state,
    freeze: (draft) => draft,
    replay: {},
    tables: [],
    toRecords: () => [],
  });
}
