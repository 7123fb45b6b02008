import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { projectFolder } from '../../bench/support/project.ts';

export type Block = { readonly page: string; readonly text: string };

/** Blocks of one language in the README and the pages below `docs/`, in the order in which they stand there. */
export function blocksOf(language: string): readonly Block[] {
  const names = readdirSync(join(projectFolder, 'docs')).filter((name) => name.endsWith('.md'));
  const pages = ['README.md', ...names.toSorted().map((name) => `docs/${name}`)];
  return pages.flatMap((page) => {
    const text = readFileSync(join(projectFolder, page), 'utf8');
    const found = text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'));
    return [...found].map(([, block = '']) => ({ page, text: block }));
  });
}

/** Those below one heading of the README. */
export function blocksBelow(heading: string): readonly string[] {
  const sections = readFileSync(join(projectFolder, 'README.md'), 'utf8').split(/^## /m);
  const section = sections.find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

/** A folder below the package's own, where the package's name means itself; it goes with the test. */
export function folderOfUser(): string {
  mkdirSync(join(projectFolder, '.tmp'), { recursive: true });
  const folder = mkdtempSync(join(projectFolder, '.tmp', 'blocks-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
