import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compareStrings } from '../base/compare.ts';
import { nodePropertiesName } from '../runtime/quorum-state/node-files.ts';

/** Where in a data directory the node's own files stand. */
export const metadataFolder = 'metadata';

/**
 * Why a folder is no controller's data directory, as a sentence; null when it is one. Where a folder in it is
 * one, that is named: `ottla dev` keeps several below its own.
 */
export function findDirectoryFault(dataDir: string): string | null {
  if (isDataDirectory(dataDir)) return null;
  if (!existsSync(dataDir)) return `there is no folder ${dataDir}`;
  const within = foldersIn(dataDir)
    .map((name) => join(dataDir, name))
    .filter(isDataDirectory);
  const hint = within.length === 0 ? '' : `; did you mean ${within.join(' or ')}?`;
  return `${dataDir} is no controller’s data directory: it has no ${metadataFolder}/${nodePropertiesName}${hint}`;
}

function isDataDirectory(dataDir: string): boolean {
  return existsSync(join(dataDir, metadataFolder, nodePropertiesName));
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort(compareStrings);
  } catch {
    return [];
  }
}
