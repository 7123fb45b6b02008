import type { PageSection } from '../page.ts';
import { type Counts, type GenericResults, killedShare, type TriedMutant } from './results.ts';

/** What `npm run mutants -- --generic` has found out about the mistakes that are made mechanically. */
export function genericSection(results: GenericResults): PageSection {
  const { mutants, sample, share, totals, operators, tried } = results;
  const lines = [
    `The operators make ${mutants} mistakes in \`src/raft/\` and \`src/runtime/log/\`. A sample of ${percent(share)} of each kind in`,
    `each file, drawn by lot, has ${sample}; ${totals.tried} of them have been tried so far, in the order of the lot. Of those that`,
    `can be told from the program **${percent(killedShare(totals))} are killed**. The facts stand in`,
    '`simulator/mutants/generic/results.json`.',
    '',
    '| operator | tried | killed by the simulator | killed by tests | equivalent | not killed |',
    '|---|---|---|---|---|---|',
    ...Object.entries(operators).map(([name, counts]) => countsRow(name, counts)),
    countsRow('all', totals),
    ...listOf('Not killed', tried, 'not killed'),
    ...listOf('Equivalent', tried, 'equivalent'),
  ];
  return { heading: 'Generic mutants', lines };
}

function listOf(title: string, tried: readonly TriedMutant[], verdict: TriedMutant['verdict']): string[] {
  const rows = tried.filter((one) => one.verdict === verdict).map(rowOf);
  if (rows.length === 0) return [];
  return ['', `### ${title}`, '', '| mutant | without | with | reason |', '|---|---|---|---|', ...rows];
}

function rowOf(one: TriedMutant): string {
  if (one.verdict === 'killed') return '';
  const reason = one.verdict === 'equivalent' ? one.reason : '';
  return `| ${[one.id, code(one.before), code(one.after), reason].map(cell).join(' | ')} |`;
}

function countsRow(name: string, counts: Counts): string {
  const { tried, killedBySimulator, killedByTests, equivalent, notKilled } = counts;
  return `| ${[name, tried, killedBySimulator, killedByTests, equivalent, notKilled].join(' | ')} |`;
}

function code(text: string): string {
  return `\`\` ${text} \`\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** Rounded down, so that what is nearly enough does not look like enough. */
function percent(share: number): string {
  return `${Math.floor(share * 1000) / 10} %`;
}
