import type { Column } from '../output/table.ts';
import { layOutTable } from '../output/table.ts';
import { paint, type Style } from '../output/terminal.ts';

/** A piece of a line in one style. A screen is lines of these, so that a line can be cut without cutting a colour. */
export type Segment = { readonly text: string; readonly style?: Style };
export type Line = readonly Segment[];
export type Size = { readonly columns: number; readonly rows: number };

export function line(text: string, style?: Style): Line {
  return [style === undefined ? { text } : { text, style }];
}

/** ECMA-48 and, where the terminal has it, synchronized output (DEC private mode 2026): no half of a frame is seen. */
const begin = '\u001B[?2026h\u001B[H';
const end = '\u001B[?2026l';
const toLineEnd = '\u001B[K';
const toScreenEnd = '\u001B[J';

/**
 * A whole frame as one text. Every line is written over the one that stood there and the rest of it erased;
 * nothing is cleared first, so that nothing flickers.
 */
export function frameText(lines: readonly Line[], size: Size, isColoured: boolean): string {
  const shown = lines.slice(0, size.rows).map((each) => lineText(each, size.columns, isColoured) + toLineEnd);
  // No line end after the last row: it would scroll.
  const rest = shown.length < size.rows ? `\r\n${toScreenEnd}` : '';
  return `${begin}${shown.join('\r\n')}${rest}${end}`;
}

/** At most as wide as the screen; a line that is cut ends in an ellipsis. */
function lineText(segments: Line, columns: number, isColoured: boolean): string {
  const total = segments.reduce((sum, { text }) => sum + text.length, 0);
  let room = total > columns ? columns - 1 : columns;
  let written = '';
  for (const { text, style } of segments) {
    const part = printable(text).slice(0, Math.max(0, room));
    room -= part.length;
    written += style === undefined || !isColoured ? part : paint(style, part);
  }
  return total > columns ? `${written}…` : written;
}

/** What a server sends is shown, never obeyed. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}

/** A column whose cells may stand out. */
export type StyledColumn<Row> = Column<Row> & { readonly style?: (row: Row) => Style | null };

export function tableLines<Row>(
  columns: readonly StyledColumn<Row>[],
  rows: readonly Row[],
): readonly Line[] {
  const { heading, cells } = layOutTable(columns, rows);
  const body = cells.map((texts, index): Line => {
    const row = rows[index];
    return texts.flatMap((text, at): readonly Segment[] => {
      const style = row === undefined ? null : (columns[at]?.style?.(row) ?? null);
      return [...(at === 0 ? [] : [{ text: '  ' }]), style === null ? { text } : { text, style }];
    });
  });
  return [line(heading.join('  ').trimEnd(), 'bold'), ...body];
}

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** The course of a number, the newest at the right; the tallest bar is the largest of them. */
export function sparkline(values: readonly number[]): string {
  const largest = Math.max(...values, 1);
  return values
    .map((value) => bars[Math.min(bars.length - 1, Math.floor((value / largest) * bars.length))] ?? ' ')
    .join('');
}
