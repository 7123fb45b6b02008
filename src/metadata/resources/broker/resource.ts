import { assert } from '../../../base/assert.ts';
import { compareNumbers } from '../../../base/compare.ts';
import { KeyedTable, type KeyedTableDraft } from '../../../base/keyed-table.ts';
import { defineKind, type Position, type PositionedRecord, rowPosition } from '../../resource.ts';
import {
  array,
  boolean,
  int32,
  int64,
  nullable,
  string,
  struct,
  type StructOf,
  uuidType,
} from '../../schema.ts';
import { registrationChange } from './registration-change.ts';
import {
  type BrokerRegistrationChangeRecord,
  brokerRegistrationChangeRecord,
  endPointFields,
  type HoldBrokerRecord,
  holdBrokerRecord,
  type RegisterBrokerRecord,
  registerBrokerRecord,
  supportedFeatureFields,
  type UncleanShutdownRecord,
  uncleanShutdownRecord,
  type UnregisterBrokerRecord,
  unregisterBrokerRecord,
} from './records.ts';

const brokerFields = {
  brokerId: int32,
  incarnationId: uuidType,
  brokerEpoch: int64,
  endPoints: array(struct(endPointFields), 16),
  features: array(struct(supportedFeatureFields), 64),
  rack: nullable(string(249)),
  fenced: boolean,
  inControlledShutdown: boolean,
  /**
   * Offset of the record that says a second time that the broker is in controlled shutdown: it is written
   * when the broker leads nothing any more, so that "every active broker has passed the moves of
   * leadership" is a question about one offset.
   */
  drainedOffset: nullable(int64),
  logDirs: array(uuidType, 64),
  lastModified: int64,
};

/**
 * A registration.
 * 1. `brokerEpoch` is the offset of the RegisterBrokerRecord of this incarnation (design 3).
 * 2. `drainedOffset` is set only while `inControlledShutdown`.
 */
export type BrokerRow = StructOf<typeof brokerFields>;

const holdFields = { brokerId: int32, lastModified: int64 };

/** An operator holds this broker. It goes with the registration, and stays over the broker's incarnations. */
type HoldRow = StructOf<typeof holdFields>;

const uncleanShutdownFields = { brokerId: int32, lastModified: int64 };

/** A fenced broker that is still to leave every ISR and ELR. */
type UncleanShutdownRow = StructOf<typeof uncleanShutdownFields>;

const offlineDirectoriesFields = { brokerId: int32, logDirs: array(uuidType, 64), lastModified: int64 };

/** The directories that have gone offline under this registration: under another one at the earliest they come back. */
type OfflineDirectoriesRow = StructOf<typeof offlineDirectoriesFields>;

export type BrokerState = {
  readonly brokers: KeyedTable<number, BrokerRow>;
  readonly holds: KeyedTable<number, HoldRow>;
  readonly offlineDirectories: KeyedTable<number, OfflineDirectoriesRow>;
  readonly uncleanShutdowns: KeyedTable<number, UncleanShutdownRow>;
};
export type BrokerDraft = {
  readonly brokers: KeyedTableDraft<number, BrokerRow>;
  readonly holds: KeyedTableDraft<number, HoldRow>;
  readonly offlineDirectories: KeyedTableDraft<number, OfflineDirectoriesRow>;
  readonly uncleanShutdowns: KeyedTableDraft<number, UncleanShutdownRow>;
};

type BrokerRecord =
  | RegisterBrokerRecord
  | UnregisterBrokerRecord
  | BrokerRegistrationChangeRecord
  | HoldBrokerRecord
  | UncleanShutdownRecord;

export const resource = defineKind<
  'broker',
  readonly [
    typeof registerBrokerRecord,
    typeof unregisterBrokerRecord,
    typeof brokerRegistrationChangeRecord,
    typeof holdBrokerRecord,
    typeof uncleanShutdownRecord,
  ],
  BrokerState,
  BrokerDraft
>({
  name: 'broker',
  records: [
    registerBrokerRecord,
    unregisterBrokerRecord,
    brokerRegistrationChangeRecord,
    holdBrokerRecord,
    uncleanShutdownRecord,
  ],
  empty: () =>
    Object.freeze({
      brokers: KeyedTable.empty<number, BrokerRow>(compareNumbers),
      holds: KeyedTable.empty<number, HoldRow>(compareNumbers),
      offlineDirectories: KeyedTable.empty<number, OfflineDirectoriesRow>(compareNumbers),
      uncleanShutdowns: KeyedTable.empty<number, UncleanShutdownRow>(compareNumbers),
    }),
  edit: (state, token) => ({
    brokers: state.brokers.edit(token),
    holds: state.holds.edit(token),
    offlineDirectories: state.offlineDirectories.edit(token),
    uncleanShutdowns: state.uncleanShutdowns.edit(token),
  }),
  freeze: (draft) =>
    Object.freeze({
      brokers: draft.brokers.freeze(),
      holds: draft.holds.freeze(),
      offlineDirectories: draft.offlineDirectories.freeze(),
      uncleanShutdowns: draft.uncleanShutdowns.freeze(),
    }),
  replay: {
    RegisterBrokerRecord: replayRegister,
    UnregisterBrokerRecord: (draft, record) => {
      registrationOf(draft, record);
      draft.brokers.delete(record.brokerId);
      draft.holds.delete(record.brokerId);
      draft.offlineDirectories.delete(record.brokerId);
      draft.uncleanShutdowns.delete(record.brokerId);
    },
    BrokerRegistrationChangeRecord: replayChange,
    HoldBrokerRecord: (draft, { brokerId, isHeld }, position) => {
      assert(draft.brokers.get(brokerId) !== null, `broker ${brokerId} is held but not registered`);
      if (isHeld) draft.holds.set(brokerId, { brokerId, lastModified: position.offset });
      else draft.holds.delete(brokerId);
    },
    UncleanShutdownRecord: (draft, { brokerId }, position) => {
      assert(draft.brokers.get(brokerId) !== null, `broker ${brokerId} was shut down but is not registered`);
      draft.uncleanShutdowns.set(brokerId, { brokerId, lastModified: position.offset });
    },
  },
  tables: [
    {
      kind: 'rows',
      id: 3,
      name: 'broker',
      fields: brokerFields,
      table: (state) => state.brokers.rows,
      load: (draft, slot, row: BrokerRow) => draft.brokers.place(slot, row.brokerId, row),
    },
    {
      kind: 'rows',
      id: 17,
      name: 'brokerHold',
      fields: holdFields,
      table: (state) => state.holds.rows,
      load: (draft, slot, row: HoldRow) => draft.holds.place(slot, row.brokerId, row),
    },
    {
      kind: 'rows',
      id: 30,
      name: 'brokerUncleanShutdown',
      fields: uncleanShutdownFields,
      table: (state) => state.uncleanShutdowns.rows,
      load: (draft, slot, row: UncleanShutdownRow) => draft.uncleanShutdowns.place(slot, row.brokerId, row),
    },
    {
      kind: 'rows',
      id: 31,
      name: 'brokerOfflineDirectories',
      fields: offlineDirectoriesFields,
      table: (state) => state.offlineDirectories.rows,
      load: (draft, slot, row: OfflineDirectoriesRow) =>
        draft.offlineDirectories.place(slot, row.brokerId, row),
    },
  ],
  toRecords,
});

function replayRegister(draft: BrokerDraft, record: RegisterBrokerRecord, position: Position): void {
  const { type: _type, ...fields } = record;
  const before = draft.brokers.get(record.brokerId);
  const amends = before !== null && before.brokerEpoch === record.brokerEpoch;
  const drainedOffset = amends && record.inControlledShutdown ? before.drainedOffset : null;
  if (!amends) draft.offlineDirectories.delete(record.brokerId);
  draft.brokers.set(record.brokerId, { ...fields, drainedOffset, lastModified: position.offset });
}

function replayChange(draft: BrokerDraft, record: BrokerRegistrationChangeRecord, position: Position): void {
  const before = registrationOf(draft, record);
  const saysShutdown = record.inControlledShutdown === 1;
  if (record.fenced === -1) draft.uncleanShutdowns.delete(record.brokerId);
  replayOffline(draft, before, record, position);
  draft.brokers.set(record.brokerId, {
    ...before,
    fenced: record.fenced === 0 ? before.fenced : record.fenced === 1,
    inControlledShutdown: before.inControlledShutdown || saysShutdown,
    drainedOffset: before.inControlledShutdown && saysShutdown ? position.offset : before.drainedOffset,
    logDirs: record.logDirs ?? before.logDirs,
    lastModified: position.offset,
  });
}

/** A change of the directories that are online only takes some out. */
function replayOffline(
  draft: BrokerDraft,
  before: BrokerRow,
  { brokerId, logDirs }: BrokerRegistrationChangeRecord,
  position: Position,
): void {
  if (logDirs === null) return;
  assert(
    logDirs.every((directory) => before.logDirs.includes(directory)),
    `broker ${brokerId} has a directory that it did not register`,
  );
  const known = draft.offlineDirectories.get(brokerId)?.logDirs ?? [];
  const gone = before.logDirs.filter((directory) => !logDirs.includes(directory));
  if (gone.length === 0) return;
  const row = { brokerId, logDirs: [...known, ...gone], lastModified: position.offset };
  draft.offlineDirectories.set(brokerId, row);
}

/** A change names the registration that it changes; another epoch means that the log contradicts itself. */
function registrationOf(
  draft: BrokerDraft,
  record: { readonly brokerId: number; readonly brokerEpoch: number },
): BrokerRow {
  const row = draft.brokers.get(record.brokerId);
  assert(row !== null, `broker ${record.brokerId} is changed but not registered`);
  assert(
    row.brokerEpoch === record.brokerEpoch,
    `broker ${record.brokerId} is changed at epoch ${record.brokerEpoch} but has ${row.brokerEpoch}`,
  );
  return row;
}

function* toRecords(state: BrokerState): Iterable<PositionedRecord<BrokerRecord>> {
  for (const row of state.brokers.values()) {
    const { drainedOffset, lastModified, ...fields } = row;
    const position = rowPosition(lastModified);
    const offline = state.offlineDirectories.get(row.brokerId);
    const logDirs = [...row.logDirs, ...(offline?.logDirs ?? [])];
    yield { record: { type: 'RegisterBrokerRecord', ...fields, logDirs }, position };
    if (drainedOffset !== null) {
      const record = registrationChange(row, { inControlledShutdown: 1 });
      yield { record, position: rowPosition(drainedOffset) };
    }
    if (offline !== null) {
      const record = registrationChange(row, { logDirs: row.logDirs });
      yield { record, position: rowPosition(offline.lastModified) };
    }
    if (drainedOffset !== null || offline !== null) yield { record: registrationChange(row, {}), position };
  }
  for (const { brokerId, lastModified } of state.holds.values()) {
    yield {
      record: { type: 'HoldBrokerRecord', brokerId, isHeld: true },
      position: rowPosition(lastModified),
    };
  }
  for (const { brokerId, lastModified } of state.uncleanShutdowns.values()) {
    yield { record: { type: 'UncleanShutdownRecord', brokerId }, position: rowPosition(lastModified) };
  }
}
