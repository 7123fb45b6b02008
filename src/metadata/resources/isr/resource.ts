import { defineKind } from '../../resource.ts';

/** The ISR has no records and no state of its own: it changes partitions, by their PartitionChangeRecord. */
export type IsrState = Readonly<Record<string, never>>;

const nothing: IsrState = Object.freeze({});

export const resource = defineKind<'isr', readonly [], IsrState, IsrState>({
  name: 'isr',
  records: [],
  empty: () => nothing,
  edit: (state) => state,
  freeze: (draft) => draft,
  replay: {},
  tables: [],
  toRecords: () => [],
});
