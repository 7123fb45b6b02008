import { imageDigest, type MetadataImage, toRecords } from '../../src/metadata/image.ts';
import { shownRecord } from '../../src/metadata/shown-record.ts';
import type { WatchBookmark, WatchDelta, WatchEvent } from '../../src/runtime/watch/watch-api.ts';
import type { BatchNode } from '../batch-history.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import { sameValue } from '../same-value.ts';
import type { ModelWatcher, WatchJudge } from '../workload/watchers/model-watcher.ts';
import { lastUnsent, wantedRecords } from '../workload/watchers/wanted-records.ts';
import { sampling } from './sampling.ts';

/** Where a watcher stands by what has arrived, whatever it makes of it itself. */
type Place = {
  offset: number | null;
  /** What has come of a transaction of which more must come: up to here. */
  part: number | null;
};

/**
 * What a watcher is sent is the committed log, as etcd promises it of its own watches:
 * 1. Ordered, unique and reliable: each delta is the next committed batch that holds anything it asked for, over
 *    all its streams; nothing that it asked for stands between two of them.
 * 2. Atomic: a delta is a whole committed batch, record for record, and a transaction is all of its batches, tied
 *    together, or its Abort alone (`transactions-are-atomic.ts`).
 * 3. Bookmarkable: nothing that it asked for and was not sent stands below a bookmark.
 * 4. Its copy of the state is the replay of the log up to where it stands.
 * 5. Nobody is shown by what others are let in: no record has the hash of a token's secret.
 * What no one is shown is left out of the records, and so of the copy.
 */
export function watchStreams(cluster: ClusterObservation, witness: MetadataWitness): Checker & WatchJudge {
  const places = new Map<ModelWatcher, Place>();
  const isSampled = sampling();
  const checker: Checker & WatchJudge = {
    name: 'a watch is the committed log',
    source: 'design, "Running"; etcd API guarantees, watch streams; etcd robustness tests, watch validation',
    arrived(watcher, event) {
      if (showsSecret(event)) fail(watcher, `it is shown the hash of a token's secret (${event.kind})`);
      const place = placeOf(watcher);
      if (event.kind === 'delta') judgeDelta(watcher, event, place);
      else if (event.kind === 'bookmark') judgeBookmark(watcher, event, place);
      else if (event.kind === 'stateBegin') place.offset = null;
      else if (event.kind === 'stateEnd') place.offset = event.offset;
      if (event.kind !== 'delta' && event.kind !== 'heartbeat') place.part = null;
    },
    given(watcher, event) {
      const isAtState = event.kind === 'stateEnd';
      if (isAtState || (event.kind !== 'heartbeat' && isSampled())) judgeCopy(watcher, event);
    },
  };

  function placeOf(watcher: ModelWatcher): Place {
    const known = places.get(watcher) ?? { offset: null, part: null };
    places.set(watcher, known);
    // A program that begins somewhere without the state says itself where it stands.
    if (known.offset === null && watcher.askedSince !== null) known.offset = watcher.askedSince;
    return known;
  }

  function judgeDelta(watcher: ModelWatcher, delta: WatchDelta, place: Place): void {
    const batch = cluster.committedAt(delta.endOffset);
    const unit = witness.unitWith(delta.endOffset);
    const base = unit?.isAborted === true ? unit.baseOffset : batch?.baseOffset;
    if (batch === null || base !== delta.baseOffset) {
      return fail(watcher, `no batch from ${delta.baseOffset} to ${delta.endOffset} is committed`);
    }
    if (batch.epoch !== delta.epoch) return fail(watcher, `${delta.baseOffset} is of another epoch`);
    if (!sameValue(delta.records, wantedRecords(batch, watcher.planned.kinds))) {
      return fail(watcher, `the batch at ${delta.baseOffset} has other records`);
    }
    const { part } = place;
    // A stream that broke off within a transaction is followed by one that begins with it.
    const from = part !== null && delta.baseOffset >= part ? part : place.offset;
    judgeProgress(
      watcher,
      from,
      unit?.isAborted === true ? (unit.batches[0]?.parent ?? null) : batch.parent,
      delta.baseOffset,
    );
    if (delta.continues === true) {
      place.part = delta.endOffset;
    } else {
      place.part = null;
      place.offset = delta.endOffset;
    }
  }

  function judgeBookmark(watcher: ModelWatcher, { offset }: WatchBookmark, place: Place): void {
    const batch = cluster.committedAt(offset);
    if (batch === null) return fail(watcher, `a bookmark at ${offset}, where no committed batch ends`);
    judgeProgress(watcher, place.offset, batch, offset);
    place.offset = offset;
  }

  /** From where it stood up to `to`, of which `last` is the last batch, nothing was left out. */
  function judgeProgress(
    watcher: ModelWatcher,
    from: number | null,
    last: BatchNode | null,
    to: number,
  ): void {
    if (from === null) return fail(watcher, `something at ${to} comes before the state is whole`);
    if (to < from) return fail(watcher, `it stood at ${from} already, and is sent ${to}`);
    const leftOut =
      last === null
        ? null
        : lastUnsent(last, from, watcher.planned.kinds, (end) => witness.unitWith(end)?.isAborted === true);
    if (leftOut === null) return;
    fail(watcher, `the batch from ${leftOut.baseOffset} to ${leftOut.endOffset} is left out`);
  }

  function judgeCopy(watcher: ModelWatcher, event: WatchEvent): void {
    const { image } = watcher;
    if (image === null || event.kind === 'stateBegin' || event.kind === 'state') return;
    const expected = witness.imageAt(image.endOffset);
    if (expected === null || isShownAs(expected, image)) return;
    fail(watcher, `its copy at ${image.endOffset} is not what the log gives`);
  }

  function fail(watcher: ModelWatcher, what: string): never {
    return cluster.fail(checker, `${watcher.process.name}: ${what}`);
  }
  return checker;
}

function showsSecret(event: WatchEvent): boolean {
  if (event.kind !== 'delta' && event.kind !== 'state') return false;
  return event.records.some(({ type, value }) => {
    const hash: unknown = type === 'TokenRecord' ? value['secretHash'] : undefined;
    return hash instanceof Uint8Array && hash.length > 0;
  });
}

/** The digests tell at a glance, unless there is something that no one is shown. */
function isShownAs(state: MetadataImage, copy: MetadataImage): boolean {
  return imageDigest(state) === imageDigest(copy) || sameValue(shownState(state), shownState(copy));
}

/** In an order of its own: topics stand in places that deleted ones have left, which a copy fills in another order. */
function shownState(image: MetadataImage): readonly string[] {
  return Array.from(toRecords(image), ({ record, position }) =>
    JSON.stringify({ record: shownRecord(record), position }),
  ).sort();
}
