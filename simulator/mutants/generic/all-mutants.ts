import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { generateMutants } from './generate.ts';
import type { GenericMutant } from './generic-mutant.ts';

/** Where mistakes are made: the consensus core, and the log that it stands on. */
const folders = ['src/raft', 'src/runtime/log'];

/** Invariants are assertions and nothing else. */
const withoutMutants: ReadonlySet<string> = new Set(['src/raft/invariants.ts']);

/** Every generic mutant of the sources as they are, by file and place. */
export function readMutants(): readonly GenericMutant[] {
  return mutatedFiles().flatMap((file) => generateMutants(file, readFileSync(file, 'utf8')));
}

function mutatedFiles(): readonly string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    )
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.endsWith('.ts') && !withoutMutants.has(path))
    .toSorted();
}
