import { compareStrings } from '../../../base/compare.ts';
import { KeyedTable, type KeyedTableDraft } from '../../../base/keyed-table.ts';
import { defineKind, type Position, type PositionedRecord, rowPosition } from '../../resource.ts';
import { array, int64, int8, string, struct, type StructOf } from '../../schema.ts';
import { configNameLengthMax, type ConfigRecord, configRecord, configValueLengthMax } from './records.ts';

const configFields = {
  resourceType: int8,
  resourceName: string(249),
  /** By name. */
  configs: array(struct({ name: string(configNameLengthMax), value: string(configValueLengthMax) }), 1_000),
  lastModified: int64,
};

/**
 * What is set of one resource. It is a row of its own, and not one for each config, so that `lastModified` tells
 * of every change, of a removal, too: it is what `If-Match` names. A resource of which nothing is set has none.
 */
export type ConfigRow = StructOf<typeof configFields>;
export type ConfigEntry = ConfigRow['configs'][number];

export type ConfigState = { readonly resources: KeyedTable<string, ConfigRow> };
export type ConfigDraft = { readonly resources: KeyedTableDraft<string, ConfigRow> };

/** Orders topics before brokers, and each by name. */
export function configKey(resourceType: number, resourceName: string): string {
  return `${resourceType}/${resourceName}`;
}

export const resource = defineKind<'config', readonly [typeof configRecord], ConfigState, ConfigDraft>({
  name: 'config',
  records: [configRecord],
  empty: () => Object.freeze({ resources: KeyedTable.empty<string, ConfigRow>(compareStrings) }),
  edit: (state, token) => ({ resources: state.resources.edit(token) }),
  freeze: (draft) => Object.freeze({ resources: draft.resources.freeze() }),
  replay: { ConfigRecord: replayConfig },
  tables: [
    {
      kind: 'rows',
      id: 16,
      name: 'config',
      fields: configFields,
      table: (state) => state.resources.rows,
      load: (draft, slot, row: ConfigRow) => {
        draft.resources.place(slot, configKey(row.resourceType, row.resourceName), row);
      },
    },
  ],
  toRecords,
});

function replayConfig(draft: ConfigDraft, record: ConfigRecord, position: Position): void {
  const { resourceType, resourceName, name, value } = record;
  const key = configKey(resourceType, resourceName);
  const before = draft.resources.get(key);
  const configs = withEntry(before?.configs ?? [], name, value);
  if (configs.length > 0) {
    draft.resources.set(key, { resourceType, resourceName, configs, lastModified: position.offset });
  } else if (before !== null) {
    draft.resources.delete(key);
  }
}

/** In order of names, as they stand already. */
function withEntry(entries: readonly ConfigEntry[], name: string, value: string | null): ConfigEntry[] {
  const made: ConfigEntry[] = [];
  let isPlaced = value === null;
  for (const entry of entries) {
    const order = compareStrings(entry.name, name);
    if (order >= 0 && !isPlaced && value !== null) {
      made.push({ name, value });
      isPlaced = true;
    }
    if (order !== 0) made.push(entry);
  }
  if (!isPlaced && value !== null) made.push({ name, value });
  return made;
}

/**
 * The last entry comes at the row's own position. All of them may: which one was changed last is told to
 * nobody.
 */
function* toRecords(state: ConfigState): Iterable<PositionedRecord<ConfigRecord>> {
  for (const { resourceType, resourceName, configs, lastModified } of state.resources.values()) {
    for (const { name, value } of configs) {
      yield {
        record: { type: 'ConfigRecord', resourceType, resourceName, name, value },
        position: rowPosition(lastModified),
      };
    }
  }
}
