import { readdirSync } from 'node:fs';
import { extname } from 'node:path';
import type { PlantedBug } from './planted-bug.ts';

/** A planted bug and its place below `planted/`: the class and the name of its file. */
export type FiledBug = { readonly path: string; readonly bug: PlantedBug };

/** Every bug that is planted anywhere, by place. One file holds one bug, and no list has to be kept of them. */
export async function loadPlantedBugs(): Promise<readonly FiledBug[]> {
  const folder = new URL('./planted/', import.meta.url);
  // Sources where tests run them, and programs where they are built.
  const extension = extname(import.meta.url);
  const found: FiledBug[] = [];
  for (const className of readdirSync(folder).toSorted()) {
    const names = readdirSync(new URL(`${className}/`, folder))
      .filter((file) => extname(file) === extension && !file.endsWith('.d.ts'))
      .map((file) => file.slice(0, -extension.length));
    // Places are sorted, as those of the results are: with their extensions some would stand otherwise.
    for (const name of names.toSorted()) {
      const module: unknown = await import(new URL(`${className}/${name}${extension}`, folder).href);
      found.push({
        path: `${className}/${name}`,
        bug: (module as { readonly bug: PlantedBug }).bug,
      });
    }
  }
  return found;
}

/** Those that a word names: the class of some, or the place or the name of one; all when there are no words. */
export function selectBugs(bugs: readonly FiledBug[], words: readonly string[]): readonly FiledBug[] {
  const unknown = words.find((word) => !bugs.some((filed) => isNamed(filed, word)));
  if (unknown !== undefined) {
    const names = bugs.map(({ path, bug }) => `\n  ${path}: ${bug.name}`).join('');
    throw new Error(`there is no mutant "${unknown}"; there are:${names}`);
  }
  return words.length === 0 ? bugs : bugs.filter((filed) => words.some((word) => isNamed(filed, word)));
}

export function classOf({ path }: Pick<FiledBug, 'path'>): string {
  return path.slice(0, path.indexOf('/'));
}

function isNamed(filed: FiledBug, word: string): boolean {
  return filed.path === word || filed.bug.name === word || classOf(filed) === word;
}
