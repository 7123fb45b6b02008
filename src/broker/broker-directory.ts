import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { isUuid } from '../base/brands.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { FileError, Files } from '../ports/files.ts';
import { runFileTask, submitFile } from '../ports/task.ts';
import { type Step, writeAndFlush } from '../runtime/log/file-steps.ts';
import { makeDirectory } from '../storage/make-directory.ts';
import { putMark } from './log/file-steps.ts';

/** Whose data a directory holds (Kafka's `meta.properties`). It is written before any of it. */
const identityName = 'broker.json';
const partitionsFolder = 'partitions';
const identityVersion = 1;

const identitySchema = Type.Object({
  version: Type.Integer(),
  clusterId: Type.String(),
  brokerId: Type.Integer(),
  /** Of the last registration; null before the first. */
  brokerEpoch: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  /**
   * Of the folder of partitions, in which a mark of this name stands, made with it (Kafka's `directory.id`): by it the
   * controllers, too, tell it from one that takes its place (KIP-858).
   */
  directoryId: Type.String(),
  /** The process that was registered last, and where it ran (`process-place.ts`). */
  lastProcess: Type.Union([Type.Object({ incarnationId: Type.String(), place: Type.String() }), Type.Null()]),
});
const validator = Compile(identitySchema);

export type BrokerIdentity = Omit<Static<typeof identitySchema>, 'version'>;

/** Makes the folders; gives the one in which partitions stand. The failure is a sentence. */
export function makePartitionsFolder(directory: string): Result<string, string> {
  const folder = join(directory, partitionsFolder);
  const made = makeDirectory(folder);
  return made.ok ? ok(folder) : failed(made.error);
}

/** Null in a directory that is new. The failure is a sentence. */
export async function readIdentity(directory: string): Promise<Result<BrokerIdentity | null, string>> {
  const path = join(directory, identityName);
  try {
    const read: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!validator.Check(read) || !isUuid(read.clusterId) || !isUuid(read.directoryId))
      return failed(`${path} is damaged`);
    if (read.version !== identityVersion)
      return failed(`${path} is of version ${read.version}, which is not known`);
    const { version: _version, clusterId, directoryId, ...identity } = read;
    return ok({ clusterId, directoryId, ...identity });
  } catch (error) {
    if (error instanceof SyntaxError) return failed(`${path} is damaged`);
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ok(null);
    return failed(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function writeIdentity(
  files: Files,
  directory: string,
  identity: BrokerIdentity,
): Promise<Result<null, FileError>> {
  return new Promise((resolve) => runFileTask(files, writeSteps(directory, identity), resolve));
}

/** Whether the folder is the one that was there when the identity was written, and not one that has taken its place. */
export function isFolderOf({ directoryId }: BrokerIdentity, folder: string): boolean {
  return existsSync(join(folder, folderMark(directoryId)));
}

/**
 * Begins the folder of partitions. The epoch by which its broker vouched for another one is forgotten first: a start
 * after a crash in between would find the mark, and vouch for what is gone.
 */
export function beginFolder(
  files: Files,
  directory: string,
  folder: string,
  identity: BrokerIdentity & { readonly brokerEpoch: null },
): Promise<Result<null, FileError>> {
  function* steps(): Step<null> {
    const written = yield* writeSteps(directory, identity);
    return written.ok ? yield* putMark(folder, folderMark(identity.directoryId)) : written;
  }
  return new Promise((resolve) => runFileTask(files, steps(), resolve));
}

function folderMark(directoryId: string): string {
  return `${directoryId}.directory`;
}

/** Under another name first, so that it is there wholly or not at all. */
function* writeSteps(directory: string, identity: BrokerIdentity): Step<null> {
  const path = join(directory, identityName);
  const from = `${path}.new`;
  const opened = yield* submitFile({ kind: 'open', path: from, mode: 'create' });
  if (!opened.ok) return opened;
  const bytes = Buffer.from(`${JSON.stringify({ version: identityVersion, ...identity })}\n`);
  const cut = yield* submitFile({ kind: 'truncate', handle: opened.value, length: 0 });
  if (!cut.ok) return cut;
  const written = yield* writeAndFlush(opened.value, 0, bytes);
  yield* submitFile({ kind: 'close', handle: opened.value });
  if (!written.ok) return written;
  const renamed = yield* submitFile({ kind: 'rename', from, to: path });
  if (!renamed.ok) return renamed;
  return yield* submitFile({ kind: 'syncDirectory', path: directory });
}
