import type { Column } from './table.ts';

/** A committed record as people and scripts see it. */
export type RecordRow = {
  readonly offset: number;
  /** Null for a row of the state, which does not know in which epoch it was changed last. */
  readonly epoch: number | null;
  readonly timestampMs: number;
  readonly type: string;
  readonly value: Readonly<Record<string, unknown>>;
};

export const recordColumns: readonly Column<RecordRow>[] = [
  { heading: 'OFFSET', cell: (row) => row.offset, align: 'right' },
  { heading: 'EPOCH', cell: (row) => row.epoch, align: 'right' },
  { heading: 'TIME', cell: (row) => timeText(row.timestampMs) },
  { heading: 'RECORD', cell: (row) => row.type },
  { heading: 'FIELDS', cell: (row) => fieldsText(row.value) },
];

/** What the quorum writes for itself may carry no time. */
function timeText(timestampMs: number): string | null {
  return timestampMs > 0 ? new Date(timestampMs).toISOString() : null;
}

function fieldsText(value: RecordRow['value']): string {
  return Object.entries(value)
    .map(([name, field]) => `${name}=${typeof field === 'string' ? field : JSON.stringify(field)}`)
    .join(' ');
}
