import { compareStrings } from '../../../base/compare.ts';
import { KeyedTable, type KeyedTableDraft } from '../../../base/keyed-table.ts';
import { defineKind, type PositionedRecord, rowPosition } from '../../resource.ts';
import { defineRecord, int16, int64, type RecordOf, string, type StructOf } from '../../schema.ts';

export const featureLevelRecord = defineRecord({
  name: 'FeatureLevelRecord',
  id: 12,
  fields: { name: string(249), featureLevel: int16 },
});

export type FeatureLevelRecord = RecordOf<typeof featureLevelRecord>;

const featureFields = { name: string(249), featureLevel: int16, lastModified: int64 };

/** A feature that is finalized, at which level. A feature at level 0 has no row. */
export type FeatureRow = StructOf<typeof featureFields>;

export type FeatureState = { readonly finalized: KeyedTable<string, FeatureRow> };
export type FeatureDraft = { readonly finalized: KeyedTableDraft<string, FeatureRow> };

export const resource = defineKind<
  'feature',
  readonly [typeof featureLevelRecord],
  FeatureState,
  FeatureDraft
>({
  name: 'feature',
  records: [featureLevelRecord],
  empty: () => Object.freeze({ finalized: KeyedTable.empty<string, FeatureRow>(compareStrings) }),
  edit: (state, token) => ({ finalized: state.finalized.edit(token) }),
  freeze: (draft) => Object.freeze({ finalized: draft.finalized.freeze() }),
  replay: {
    FeatureLevelRecord: (draft, record, position) => {
      if (record.featureLevel === 0) {
        draft.finalized.delete(record.name);
        return;
      }
      draft.finalized.set(record.name, {
        name: record.name,
        featureLevel: record.featureLevel,
        lastModified: position.offset,
      });
    },
  },
  tables: [
    {
      kind: 'rows',
      id: 1,
      name: 'feature',
      fields: featureFields,
      table: (state) => state.finalized.rows,
      load: (draft, slot, row: FeatureRow) => draft.finalized.place(slot, row.name, row),
    },
  ],
  *toRecords(state): Iterable<PositionedRecord<FeatureLevelRecord>> {
    for (const row of state.finalized.values()) {
      yield {
        record: { type: 'FeatureLevelRecord', name: row.name, featureLevel: row.featureLevel },
        position: rowPosition(row.lastModified),
      };
    }
  },
});
