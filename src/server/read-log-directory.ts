import { join } from 'node:path';
import { offset } from '../base/brands.ts';
import { failed, type Result } from '../base/result.ts';
import { registryOfEveryKind } from '../metadata/registry.ts';
import type { ReadLogDirectory } from '../runtime/server-config.ts';
import { runFileTask } from '../ports/task.ts';
import { inspectLog, type InspectedLog } from '../runtime/log/inspect-log.ts';
import { sliceOf } from '../runtime/read-log.ts';
import { NodeFiles } from '../storage/files.ts';
import { findDirectoryFault, metadataFolder } from './data-directory.ts';

/** Reads a stopped controller's log from its data directory and changes nothing there. */
export const readLogDirectory: ReadLogDirectory = async (dataDir, { from, maxRecords }) => {
  const fault = findDirectoryFault(dataDir);
  if (fault !== null) return failed({ message: fault, isMissing: true });
  const start = from === null ? null : offset(from);
  const inspected = await new Promise<Result<InspectedLog, string>>((resolve) =>
    runFileTask(new NodeFiles(), inspectLog(join(dataDir, metadataFolder, 'log'), start), resolve),
  );
  if (!inspected.ok) return failed({ message: inspected.error });
  const { batches, ...bounds } = inspected.value;
  return sliceOf(batches, { ...bounds, registry: registryOfEveryKind() }, maxRecords);
};
