import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageFigures } from './figures-parts/image-figures.ts';
import { peerFigures, quorumFigures } from './figures-parts/quorum-figures.ts';
import { Results } from './figures-parts/results.ts';
import { simulatorFigures } from './figures-parts/simulator-figures.ts';
import { projectFolder } from './support/project.ts';

const pagePath = join(projectFolder, 'docs', 'ARCHITECTURE.md');
const begin = '<!-- figures: written by `npm run bench -- figures` from bench/results/, and not by hand -->';
const end = '<!-- end of figures -->';

/** Measures nothing: writes what the other benchmarks have measured into the page that tells of it. */
export function run(): void {
  const page = readFileSync(pagePath, 'utf8');
  writeFileSync(pagePath, pageWithFigures(page));
  console.log('written to docs/ARCHITECTURE.md');
}

/** The page as it must be: a test compares it with the one that is there. */
export function pageWithFigures(page: string): string {
  const [before, rest] = cut(page, begin);
  const [, after] = cut(rest, end);
  return `${before}${begin}\n${figures()}\n${end}${after}`;
}

function figures(): string {
  const quorum = Results.read('quorum');
  const parts = [
    imageFigures(Results.read('image')),
    quorumFigures(quorum),
    peerFigures(quorum, Results.read('peers')),
  ];
  // What was never measured in a quiet hour has no figure.
  if (Results.has('simulator')) parts.push(simulatorFigures(Results.read('simulator')));
  return parts.join('\n\n');
}

function cut(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`docs/ARCHITECTURE.md has no line ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}
