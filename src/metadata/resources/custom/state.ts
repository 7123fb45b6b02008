import { compareStrings } from '../../../base/compare.ts';
import { KeyedTable, type KeyedTableDraft } from '../../../base/keyed-table.ts';
import { limits } from '../../limits.ts';
import { type AnyResource, defineKind, type PositionedRecord, rowPosition } from '../../resource.ts';
import { defineRecord, int16, int64, nullable, string, type StructOf } from '../../schema.ts';
import { featureOfKind, type ResourceKind, tableIdOf } from './kind.ts';

/** The fields of every kind's record. A value of null says that nothing stands under the key any more. */
const recordFields = {
  key: string(limits.resourceKeyLengthMax),
  version: int16,
  value: nullable(string(limits.resourceTextLengthMax)),
};

/** A record of whichever kind. Its value is JSON text: what applies it needs to know nothing of the kind. */
export type CustomRecord = { readonly type: `kind.${string}` } & StructOf<typeof recordFields>;

const rowFields = {
  key: string(limits.resourceKeyLengthMax),
  version: int16,
  value: string(limits.resourceTextLengthMax),
  lastModified: int64,
};

/** A resource: the version of the kind in which its value was written, and the value as canonical JSON. */
export type ResourceRow = StructOf<typeof rowFields>;

export type CustomState = { readonly rows: KeyedTable<string, ResourceRow> };
type CustomDraft = { readonly rows: KeyedTableDraft<string, ResourceRow> };

/** The records, state and replay of a user's kind: the same code for each, so that no replay is a user's own. */
export function resourceOfKind(kind: Pick<ResourceKind, 'name' | 'id'>): AnyResource {
  const type = featureOfKind(kind.name);
  const record = defineRecord({ name: type, id: kind.id, fields: recordFields });
  return defineKind<`kind.${string}`, readonly [typeof record], CustomState, CustomDraft>({
    name: type,
    records: [record],
    empty: () => Object.freeze({ rows: KeyedTable.empty<string, ResourceRow>(compareStrings) }),
    edit: (state, token) => ({ rows: state.rows.edit(token) }),
    freeze: (draft) => Object.freeze({ rows: draft.rows.freeze() }),
    look: (draft) => ({ rows: draft.rows.look() }),
    replay: {
      [type]: (draft: CustomDraft, { key, version, value }: CustomRecord, { offset }: { offset: number }) => {
        if (value === null) draft.rows.delete(key);
        else draft.rows.set(key, { key, version, value, lastModified: offset });
      },
    },
    tables: [
      {
        kind: 'rows',
        id: tableIdOf(kind),
        name: type,
        fields: rowFields,
        table: (state) => state.rows.rows,
        load: (draft, slot, row: ResourceRow) => draft.rows.place(slot, row.key, row),
      },
    ],
    *toRecords(state): Iterable<PositionedRecord<CustomRecord>> {
      for (const { lastModified, ...fields } of state.rows.values()) {
        yield { record: { type, ...fields }, position: rowPosition(lastModified) };
      }
    },
  });
}
