import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareStrings } from '../base/compare.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { CodecError } from '../codec/codec-error.ts';
import { decodeNodeProperties } from '../codec/node-properties.ts';
import { decodeQuorumState, type QuorumStateCopy } from '../codec/quorum-state.ts';
import { runFileTask } from '../ports/task.ts';
import { type LogSurvey, surveyLog } from '../runtime/log/inspect-log.ts';
import { nodePropertiesName } from '../runtime/quorum-state/node-files.ts';
import { quorumStateNames } from '../runtime/quorum-state/quorum-state-copies.ts';
import type { CheckpointFolder, InspectStorage, StoredQuorumState } from '../runtime/server-config.ts';
import { describeHolderOf } from '../storage/directory-lock.ts';
import { NodeFiles } from '../storage/files.ts';
import { findDirectoryFault, metadataFolder } from './data-directory.ts';

/** Says what stands in a data directory, and changes nothing there; what is damaged is named and not mended. */
export const inspectStorage: InspectStorage = async (dataDir) => {
  const fault = findDirectoryFault(dataDir);
  if (fault !== null) return failed({ message: fault });
  const metadata = join(dataDir, metadataFolder);
  const faults: string[] = [];
  const properties = await readDecoded(join(metadata, nodePropertiesName), decodeNodeProperties, faults);
  const log = await surveyLogOf(join(metadata, 'log'));
  if (!log.ok) faults.push(log.error);
  else if (log.value.corruption !== null) faults.push(log.value.corruption);
  return ok({
    dataDir,
    nodeId: properties?.nodeId ?? null,
    directoryId: properties?.directoryId ?? null,
    clusterId: properties?.clusterId ?? null,
    usedBy: await describeHolderOf(dataDir),
    quorumState: await readQuorumState(metadata, faults),
    log: log.ok ? log.value : null,
    checkpoints: await checkpointsIn(join(dataDir, 'checkpoints')),
    faults,
  });
};

async function surveyLogOf(folder: string): Promise<Result<LogSurvey, string>> {
  return await new Promise((resolve) => runFileTask(new NodeFiles(), surveyLog(folder), resolve));
}

/** What a file holds; null when there is none, or when it is damaged, which then stands among the faults. */
async function readDecoded<Value>(
  file: string,
  decode: (bytes: Uint8Array) => Result<Value, CodecError>,
  faults: string[],
): Promise<Value | null> {
  const bytes = await readFile(file).catch(() => null);
  if (bytes === null) return null;
  const decoded = decode(bytes);
  if (decoded.ok) return decoded.value;
  faults.push(`${file}: ${decoded.error.message}`);
  return null;
}

/** Of two copies the newer valid one counts (design 17). */
async function readQuorumState(folder: string, faults: string[]): Promise<StoredQuorumState | null> {
  let newest: QuorumStateCopy | null = null;
  for (const name of quorumStateNames) {
    const copy = await readDecoded(join(folder, name), decodeQuorumState, faults);
    if (copy !== null && (newest === null || copy.sequence > newest.sequence)) newest = copy;
  }
  if (newest === null) return null;
  const { epoch, leaderId, voted, recovering } = newest.state;
  return { epoch, leaderId, votedFor: voted?.id ?? null, recovering };
}

/** Folders with their sizes: to look into a database would be to write into it. */
async function checkpointsIn(folder: string): Promise<readonly CheckpointFolder[]> {
  const names = await readdir(folder).catch(() => []);
  return await Promise.all(
    [...names].sort(compareStrings).map(async (name) => ({ name, bytes: await bytesIn(join(folder, name)) })),
  );
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((total, size) => total + size, 0);
}
