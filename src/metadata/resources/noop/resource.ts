import { defineKind } from '../../resource.ts';
import { defineRecord } from '../../schema.ts';

/** Kafka's NoOpRecord: it moves the log on, and the state stays as it is. */
export const noOpRecord = defineRecord({ name: 'NoOpRecord', id: 20, fields: {} });

/** There is nothing to know. */
export type NoOpState = Readonly<Record<string, never>>;

const nothing: NoOpState = Object.freeze({});

export const resource = defineKind<'noop', readonly [typeof noOpRecord], NoOpState, NoOpState>({
  name: 'noop',
  records: [noOpRecord],
  empty: () => nothing,
  edit: (state) => state,
  freeze: (draft) => draft,
  replay: { NoOpRecord: () => {} },
  tables: [],
  toRecords: () => [],
});
