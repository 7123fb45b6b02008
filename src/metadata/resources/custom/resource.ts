import { defineKind } from '../../resource.ts';

/** The operations on users' kinds have no state of their own: each kind has one, under its own name. */
export type NoState = Readonly<Record<string, never>>;

const nothing: NoState = Object.freeze({});

export const resource = defineKind<'custom', readonly [], NoState, NoState>({
  name: 'custom',
  records: [],
  empty: () => nothing,
  edit: (state) => state,
  freeze: (draft) => draft,
  replay: {},
  tables: [],
  toRecords: () => [],
});
