import type { Command } from 'commander';
import { OttlaError } from '../client/errors.ts';
import { positiveInteger } from './context.ts';
import type { Terminal } from './output/terminal.ts';

export type ListOptions = { readonly limit: string };

export type Page<Row> = { readonly rows: readonly Row[]; readonly continue: string | null };

export type Listing<Row> = { readonly rows: readonly Row[]; readonly hasMore: boolean };

/** Rows that one request brings (design, "Running"). */
const pageRowsMax = 1_000;
/** A listing that loses its offset begins anew so often. */
const beginningsMax = 3;

export function withListOptions(command: Command): Command {
  return command.option('--limit <rows>', 'how many to show at most', '1000');
}

/** Page by page until there is no more, or as much as was asked for. */
export async function listAll<Row>(
  options: ListOptions,
  fetchPage: (query: { readonly limit: number; readonly continue?: string }) => Promise<Page<Row>>,
): Promise<Listing<Row>> {
  const limit = positiveInteger(options.limit, '--limit');
  const rows: Row[] = [];
  let next: string | null = null;
  let beginnings = 1;
  do {
    const query: { readonly limit: number } = { limit: Math.min(pageRowsMax, limit - rows.length) };
    try {
      const page: Page<Row> = await fetchPage(next === null ? query : { ...query, continue: next });
      rows.push(...page.rows);
      next = page.continue;
    } catch (error) {
      if (next === null || !hasLostItsImage(error) || beginnings === beginningsMax) throw error;
      beginnings += 1;
      rows.length = 0;
      next = null;
      continue;
    }
  } while (next !== null && rows.length < limit);
  return { rows, hasMore: next !== null };
}

/** No node keeps the offset any more that the pages so far show, as after a change of leader. */
function hasLostItsImage(error: unknown): boolean {
  return error instanceof OttlaError && error.code === 'OFFSET_OUT_OF_RANGE';
}

export function sayIfMore(listing: Listing<unknown>, terminal: Terminal): void {
  if (!listing.hasMore) return;
  terminal.err(`There is more: raise --limit, which is ${listing.rows.length} now, to see it.\n`);
}
