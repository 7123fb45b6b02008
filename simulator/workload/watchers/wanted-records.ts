import { builtInRegistry, type WatchedKind } from '../../../src/metadata/registry.ts';
import { shownRecord } from '../../../src/metadata/shown-record.ts';
import type { WatchRecord } from '../../../src/runtime/watch/watch-api.ts';
import type { BatchNode } from '../../batch-history.ts';
import { recordsIn } from '../../records-in.ts';

/** What a watcher has asked for; null for everything. */
export type WatchedKinds = readonly WatchedKind[] | null;

export function isWanted(type: string, kinds: WatchedKinds): boolean {
  const name = builtInRegistry.recordsByName.get(type)?.resource.name;
  return kinds === null || kinds.some((kind) => kind === name);
}

/** The records of a batch that are sent to whoever watches these kinds, as they are shown. */
export function wantedRecords(batch: BatchNode, kinds: WatchedKinds): readonly WatchRecord[] {
  return recordsIn(batch)
    .map(shownRecord)
    .map(({ type, ...value }, at) => ({ offset: batch.baseOffset + at, type, value }) as WatchRecord)
    .filter(({ type }) => isWanted(type, kinds));
}

/** The last batch of a log that must have been sent to whoever stands at `position`; null when there is none. */
export function lastUnsent(
  log: BatchNode,
  position: number,
  kinds: WatchedKinds,
  isAborted: (endOffset: number) => boolean = () => false,
): BatchNode | null {
  for (
    let batch: BatchNode | null = log;
    batch !== null && batch.endOffset > position;
    batch = batch.parent
  ) {
    if (kinds === null) return batch;
    // Of an aborted transaction the Abort alone is sent.
    const sent = recordsIn(batch).filter(
      ({ type }) => type === 'AbortTransactionRecord' || !isAborted(batch.endOffset),
    );
    if (sent.some(({ type }) => isWanted(type, kinds))) return batch;
  }
  return null;
}
