import type { PositionedRecord } from '../../src/metadata/image.ts';
import { toRecords } from '../../src/metadata/image.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { shownRecord } from '../../src/metadata/shown-record.ts';
import type { WatchStateRecord } from '../../src/runtime/watch/watch-api.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import { sameValue } from '../same-value.ts';
import type { ModelWatcher, WatchJudge } from '../workload/watchers/model-watcher.ts';
import { isWanted } from '../workload/watchers/wanted-records.ts';

/**
 * Whoever watches some kinds begins with all of their rows at the offset that it is told, as the replay of the log
 * gives them, and with no others. Who watches everything makes a copy, which is compared (`watch-streams.ts`).
 */
export function watchStates(cluster: ClusterObservation, witness: MetadataWitness): Checker & WatchJudge {
  /** What has come of the state that each is being sent. */
  const coming = new Map<ModelWatcher, WatchStateRecord[]>();
  const checker: Checker & WatchJudge = {
    name: 'a watch begins with the state',
    source: 'design, "Running"; etcd robustness tests, watch validation: filterable',
    arrived(watcher, event) {
      if (watcher.planned.kinds === null) return;
      if (event.kind === 'stateBegin') coming.set(watcher, []);
      else if (event.kind === 'state') coming.get(watcher)?.push(...event.records);
      else if (event.kind === 'stateEnd') judge(watcher, event.offset);
    },
    given: () => undefined,
  };

  function judge(watcher: ModelWatcher, offset: number): void {
    const { kinds } = watcher.planned;
    const state = witness.imageAt(offset);
    const name = watcher.process.name;
    if (state === null) return cluster.fail(checker, `${name}: a state at ${offset}, which is not committed`);
    const expected = [...toRecords(state)]
      .filter(({ record }) => isWanted(record.type, kinds))
      .map(sentRecord);
    const sent = coming.get(watcher) ?? [];
    coming.delete(watcher);
    if (sameValue(inAnOrder(sent), inAnOrder(expected))) return;
    const what = `${sent.length} records of ${kinds?.join(', ') ?? 'all kinds'}`;
    cluster.fail(
      checker,
      `${name}: its state at ${offset} has ${what}, and the log gives ${expected.length} or others`,
    );
  }
  return checker;
}

function sentRecord({ record, position }: PositionedRecord<MetadataRecord>): WatchStateRecord {
  const { type, ...value } = shownRecord(record);
  return { offset: position.offset, timestampMs: position.timestampMs, type, value };
}

/** Rows stand where others were deleted, so that two replays may list them in different orders. */
function inAnOrder(records: readonly WatchStateRecord[]): readonly string[] {
  return records.map((record) => JSON.stringify(record)).sort();
}
