/** One column: its heading, and how a row's cell is written. */
export type Column<Row> = {
  readonly heading: string;
  readonly cell: (row: Row) => string | number | boolean | null;
  /** Numbers stand at the right, so that their digits line up. */
  readonly align?: 'left' | 'right';
  /** Shown with `-o wide` alone. */
  readonly isWide?: boolean;
};

const gap = '  ';
const nothing = '-';

/** Headings and cells, each as wide as its column. */
export function layOutTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): { readonly heading: readonly string[]; readonly cells: readonly (readonly string[])[] } {
  const cells = rows.map((row) => columns.map((column) => text(column.cell(row))));
  const widths = columns.map((column, index) =>
    Math.max(column.heading.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const padded = (row: readonly string[]): readonly string[] =>
    row.map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align ?? 'left'));
  return { heading: padded(columns.map((column) => column.heading)), cells: cells.map(padded) };
}

/** Lines without trailing spaces, the heading first; `emphasise` null leaves it out, on a later page. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  emphasise: ((heading: string) => string) | null = (heading) => heading,
): string {
  const { heading, cells } = layOutTable(columns, rows);
  const join = (row: readonly string[]): string => row.join(gap).trimEnd();
  const first = emphasise === null ? [] : [emphasise(join(heading))];
  return [...first, ...cells.map(join)].map((line) => `${line}\n`).join('');
}

/** Names and values below each other: one thing described. */
export function renderFields(
  fields: readonly (readonly [name: string, value: string | number | boolean | null])[],
): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${name.padEnd(width)}${gap}${text(value)}\n`).join('');
}

function text(value: string | number | boolean | null): string {
  if (value === null || value === '') return nothing;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  // What a server sends is shown, never obeyed: a control character could move the cursor.
  return String(value).replaceAll(/\p{Cc}/gu, '?');
}

function pad(cell: string, width: number, align: 'left' | 'right'): string {
  return align === 'right' ? cell.padStart(width) : cell.padEnd(width);
}

/** A duration for people: `12 ms`, `3.4 s`, `2 min`. */
export function duration(ms: number | null): string | null {
  if (ms === null) return null;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size for people: `512 B`, `16.0 MiB`. */
export function bytesText(bytes: number): string {
  const step = Math.min(byteUnits.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const amount = bytes / 1_024 ** step;
  return `${step === 0 ? amount : amount.toFixed(1)} ${byteUnits[step] ?? ''}`;
}
