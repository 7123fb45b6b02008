import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../../storage/make-directory.ts';
import { CliFailure } from '../failures.ts';
import type { DevLayout } from './layout.ts';

/** Says that a directory is `ottla dev`'s, and with which ports: the quorum has written them into its log. */
const markerName = 'dev.json';
const temporaryName = 'dev.json.new';
const markerVersion = 1;

/** Takes the directory into use, or says why it cannot be. */
export function prepareDirectory(layout: DevLayout): void {
  const { dataDir } = layout;
  const names = makeAndList(dataDir);
  if (names.includes(markerName)) {
    checkMarker(layout);
    return;
  }
  // A first start that was cut off before its marker stood has left nothing else behind.
  if (names.some((name) => name !== temporaryName)) {
    throw new CliFailure(
      'cannotStart',
      `${dataDir} holds files that ottla dev did not put there.`,
      'Name an empty or a new directory with --data-dir.',
    );
  }
  writeMarker(layout);
}

function makeAndList(dataDir: string): readonly string[] {
  const made = makeDirectory(dataDir);
  if (!made.ok) throw notUsable(`${made.error}.`);
  try {
    return readdirSync(dataDir);
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

function writeMarker({ dataDir, basePort }: DevLayout): void {
  try {
    const file = openSync(join(dataDir, temporaryName), 'w');
    writeSync(file, `${JSON.stringify({ version: markerVersion, basePort })}\n`);
    fsyncSync(file);
    closeSync(file);
    renameSync(join(dataDir, temporaryName), join(dataDir, markerName));
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

function checkMarker({ dataDir, basePort }: DevLayout): void {
  const marker = readMarker(dataDir);
  const version = marker['version'];
  if (version !== markerVersion) {
    throw new CliFailure(
      'cannotStart',
      `${join(dataDir, markerName)} is damaged or of another version of Ottla.`,
      'Start with another --data-dir, or remove this one if nothing in it is needed.',
    );
  }
  if (marker['basePort'] === basePort) return;
  throw new CliFailure(
    'cannotStart',
    `${dataDir} was made with --base-port ${String(marker['basePort'])}, and the quorum in it knows its members by their ports.`,
    `Start it with --base-port ${String(marker['basePort'])}, or name another --data-dir.`,
  );
}

function readMarker(dataDir: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(dataDir, markerName), 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw unusable(dataDir, error);
  }
}

function unusable(dataDir: string, error: unknown): CliFailure {
  const reason = error instanceof Error ? error.message : String(error);
  return notUsable(`${dataDir} cannot be used: ${reason}.`);
}

function notUsable(message: string): CliFailure {
  return new CliFailure('cannotStart', message, 'Name a directory that can be written to with --data-dir.');
}
