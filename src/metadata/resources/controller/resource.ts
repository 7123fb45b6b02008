import { assert } from '../../../base/assert.ts';
import { compareNumbers } from '../../../base/compare.ts';
import { KeyedTable, type KeyedTableDraft } from '../../../base/keyed-table.ts';
import { defineKind, type PositionedRecord, rowPosition } from '../../resource.ts';
import {
  array,
  boolean,
  defineRecord,
  int32,
  int64,
  type RecordOf,
  struct,
  type StructOf,
  uuidType,
} from '../../schema.ts';
import { endPointFields, supportedFeatureFields } from '../broker/records.ts';

/** A controller says which versions it supports and where it is to be found (design 4). */
export const registerControllerRecord = defineRecord({
  name: 'RegisterControllerRecord',
  id: 27,
  fields: {
    controllerId: int32,
    incarnationId: uuidType,
    /** Kafka's; there is no ZooKeeper here, so it is always false. */
    zkMigrationReady: boolean,
    endPoints: array(struct(endPointFields), 16),
    features: array(struct(supportedFeatureFields), 64),
  },
});

export const unregisterControllerRecord = defineRecord({
  name: 'UnregisterControllerRecord',
  id: 29,
  fields: { controllerId: int32 },
});

export type RegisterControllerRecord = RecordOf<typeof registerControllerRecord>;

const controllerFields = {
  controllerId: int32,
  incarnationId: uuidType,
  endPoints: array(struct(endPointFields), 16),
  features: array(struct(supportedFeatureFields), 64),
  lastModified: int64,
};

export type ControllerRow = StructOf<typeof controllerFields>;
export type ControllerState = { readonly controllers: KeyedTable<number, ControllerRow> };
export type ControllerDraft = { readonly controllers: KeyedTableDraft<number, ControllerRow> };

export const resource = defineKind<
  'controller',
  readonly [typeof registerControllerRecord, typeof unregisterControllerRecord],
  ControllerState,
  ControllerDraft
>({
  name: 'controller',
  records: [registerControllerRecord, unregisterControllerRecord],
  empty: () => Object.freeze({ controllers: KeyedTable.empty<number, ControllerRow>(compareNumbers) }),
  edit: (state, token) => ({ controllers: state.controllers.edit(token) }),
  freeze: (draft) => Object.freeze({ controllers: draft.controllers.freeze() }),
  replay: {
    RegisterControllerRecord: (draft, record, position) => {
      const { type: _type, zkMigrationReady: _never, ...fields } = record;
      draft.controllers.set(record.controllerId, { ...fields, lastModified: position.offset });
    },
    UnregisterControllerRecord: (draft, record) => {
      const known = draft.controllers.delete(record.controllerId);
      assert(known, `controller ${record.controllerId} is unregistered but was not registered`);
    },
  },
  tables: [
    {
      kind: 'rows',
      id: 2,
      name: 'controller',
      fields: controllerFields,
      table: (state) => state.controllers.rows,
      load: (draft, slot, row: ControllerRow) => draft.controllers.place(slot, row.controllerId, row),
    },
  ],
  *toRecords(state): Iterable<PositionedRecord<RegisterControllerRecord>> {
    for (const { lastModified, ...fields } of state.controllers.values()) {
      yield {
        record: { type: 'RegisterControllerRecord', ...fields, zkMigrationReady: false },
        position: rowPosition(lastModified),
      };
    }
  },
});
