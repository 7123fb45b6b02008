import { escaping } from './escaping.ts';
import { classOf } from './planted-bugs.ts';
import { type BugResult, isCaught } from './results.ts';

export const pagePath = 'docs/MUTANTS.md';

/** A part of the page: what another kind of mutant has to show becomes one more of these. */
export type PageSection = { readonly heading: string; readonly lines: readonly string[] };

/** The page as it stands in the documentation. */
export function mutantsPage(sections: readonly PageSection[]): string {
  const text = sections.flatMap(({ heading, lines }) => ['', `## ${heading}`, '', ...lines]);
  return `${[...introduction, ...text].join('\n')}\n`;
}

/** What `npm run mutants` has found out about the bugs that were planted by hand. */
export function plantedSection(all: readonly BugResult[]): PageSection {
  const results = all.filter(({ path }) => escaping[path] === undefined);
  const caught = results.filter(isCaught).length;
  const open = Object.entries(escaping);
  const searches = results.flatMap((result) => result.searches);
  const seeds = searches.map((search) => search.seeds).toSorted((left, right) => left - right);
  const lines = [
    `${caught} of ${results.length + open.length} are caught by each of three searches that have no seed in common. Seeds that a search has`,
    `needed: ${seeds[Math.floor(seeds.length / 2)] ?? 0} in the median, ${seeds.at(-1) ?? 0} at most.`,
  ];
  for (const className of new Set(results.map(classOf))) {
    const rows = results.filter((result) => classOf(result) === className).map(rowOf);
    lines.push('', `### ${className}`, '', ...header, ...rows);
  }
  if (open.length > 0) lines.push('', '### Not found yet', '', '| mutant | what is known |', '|---|---|');
  for (const [path, known] of open) lines.push(`| \`${path}\` | ${known} |`);
  return { heading: 'Planted bugs', lines };
}

/** The seeds of each search, one after the other. */
export function seedsOf({ searches }: BugResult): string {
  return searches
    .map(({ seeds, property }) => (property === null ? `none in ${seeds}` : String(seeds)))
    .join(', ');
}

/** What broke in any of the searches, each once. */
export function propertiesOf({ searches }: BugResult): string {
  const found = new Set(searches.map(({ property }) => property ?? 'nothing'));
  return [...found].join('; ');
}

const introduction = [
  '# Mutants',
  '',
  'Mistakes that were put into the program to see the simulator find them (`TESTING.md`, "Planted bugs"). This page is',
  'written by `npm run mutants`; its facts stand in `simulator/mutants/results.json`.',
];

const header = [
  '| mutant | source | what broke | seeds until caught | mark, and how often it was reached |',
  '|---|---|---|---|---|',
];

function rowOf(result: BugResult): string {
  const reached = result.searches.map(({ marks }) => marks ?? '–').join(', ');
  const mark = `${result.mark}: ${reached}`;
  const cells = [result.name, result.source, propertiesOf(result), seedsOf(result), mark];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
