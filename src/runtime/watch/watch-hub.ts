import type { NodeId, Offset, Uuid } from '../../base/brands.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { WatchedKind } from '../../metadata/registry.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { runtimeLimits } from '../limits.ts';
import type { RaftLog } from '../log/raft-log.ts';
import type { BatchRecords } from './batch-records.ts';
import { DeltaFeed } from './delta-feed.ts';
import { FanOut } from './fan-out.ts';
import { initialState } from './initial-state.ts';
import { filterKey, KindFilter } from './kind-filter.ts';
import type { WatchEnd, WatchHandle, WatchListener, WatchRequest } from './watch-api.ts';
import { Watcher } from './watcher.ts';

export type WatchHubOptions = {
  readonly nodeId: NodeId;
  readonly clusterId: Uuid;
  readonly clock: Clock;
  readonly log: Pick<RaftLog, 'read' | 'chainCrcAt' | 'transactions'>;
  readonly records: BatchRecords;
  readonly image: () => MetadataImage;
  readonly logStartOffset: () => Offset;
  readonly leaderId: () => NodeId | null;
  /** Committed batches that are kept decoded, in bytes of the log. */
  readonly recentBytesMax: number;
};

/**
 * Everybody who watches this node's committed state. While nobody does it holds nothing and does nothing.
 * `README.md` has the invariants.
 */
export class WatchHub {
  readonly #options: WatchHubOptions;
  readonly #watchers = new Set<Watcher>();
  readonly #filters = new Map<string, KindFilter>();
  readonly #fanOut: FanOut;
  readonly #feed: DeltaFeed;
  #timer: Timer | null = null;
  #ticksWithoutLeader = 0;
  #isClosed = false;

  constructor(options: WatchHubOptions) {
    this.#options = options;
    this.#fanOut = new FanOut(options.clock, this.#watchers);
    this.#feed = new DeltaFeed({
      clock: options.clock,
      log: options.log,
      records: options.records,
      recentBytesMax: options.recentBytesMax,
      appliedOffset: () => options.image().endOffset,
      onGrown: () => this.#fanOut.toAll(),
    });
  }

  get count(): number {
    return this.#watchers.size;
  }

  /** By how many records the slowest reader is behind the committed state; 0 while nobody watches. */
  get lagRecords(): number {
    const { endOffset } = this.#options.image();
    // One that waits for an offset which this node has not reached is not behind.
    return Math.max(0, ...Array.from(this.#watchers, ({ position }) => endOffset - position));
  }

  /** Begins a stream, or refuses it through its listener. */
  open(request: WatchRequest, listener: WatchListener): WatchHandle {
    const refusal = this.#findRefusal(request);
    if (refusal !== null) {
      listener.ended(refusal);
      return { more: () => undefined, close: () => undefined };
    }
    const { image, nodeId, clusterId, log, records, logStartOffset } = this.#options;
    if (this.#watchers.size === 0) this.#begin();
    const now = image();
    const filter = request.kinds === null ? null : this.#filterOf(request.kinds);
    const isKnown = request.since !== null;
    const watcher = new Watcher({
      listener,
      filter,
      position: request.since ?? now.endOffset,
      state: isKnown ? null : initialState(now, filter, runtimeLimits.watchStateRecordsMax),
      log,
      records,
      recent: this.#feed.recent,
      logStartOffset,
      onReady: (ready) => this.#fanOut.to(ready),
      onEnded: (ended) => this.#ended(ended),
    });
    this.#watchers.add(watcher);
    listener.begun({ nodeId, clusterId, offset: now.endOffset, logStartOffset: logStartOffset() });
    return { more: () => watcher.want(), close: () => watcher.close() };
  }

  /** The committed state has gone on. */
  applied(): void {
    if (this.#watchers.size > 0) this.#feed.fill();
  }

  /** The node stops: whoever watches goes on elsewhere from where it stands. */
  close(): void {
    this.#isClosed = true;
    for (const watcher of this.#watchers) watcher.end('NOT_CONTROLLER', stopping);
  }

  #findRefusal({ since, clusterId, kinds }: WatchRequest): WatchEnd | null {
    const logStartOffset = this.#options.logStartOffset();
    const refuse = (code: WatchEnd['code'], message: string, position: Offset | null = since): WatchEnd => {
      return { code, message, position, logStartOffset };
    };
    if (this.#isClosed) return refuse('NOT_CONTROLLER', stopping);
    if (clusterId !== null && clusterId !== this.#options.clusterId) {
      return refuse(
        'INCONSISTENT_CLUSTER_ID',
        `This node belongs to cluster ${this.#options.clusterId}.`,
        null,
      );
    }
    if (since !== null && since < logStartOffset) {
      const message = `The log holds offset ${since} no longer; it begins at ${logStartOffset}. Begin again with the state.`;
      return refuse('OFFSET_OUT_OF_RANGE', message, null);
    }
    const { resources } = this.#options.image().registry;
    const unknown = kinds?.find((kind) => !resources.some(({ name }) => name === kind));
    if (unknown !== undefined) {
      return refuse('UNKNOWN_RESOURCE_KIND', `This controller knows no kind ${unknown}.`);
    }
    if (this.#watchers.size < runtimeLimits.watchersMax) return null;
    return refuse(
      'THROTTLING_QUOTA_EXCEEDED',
      `${this.#watchers.size} watch this node already; ask another.`,
    );
  }

  #filterOf(kinds: readonly WatchedKind[]): KindFilter {
    const key = filterKey(kinds);
    const filter = this.#filters.get(key) ?? new KindFilter(this.#options.image().registry, kinds);
    this.#filters.set(key, filter);
    return filter;
  }

  #begin(): void {
    this.#options.records.isWatched = true;
    this.#ticksWithoutLeader = 0;
    this.#feed.beginAt(this.#options.image().endOffset);
    this.#planTick();
  }

  #ended(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    this.#fanOut.forget(watcher);
    if (this.#watchers.size > 0) return;
    this.#options.records.isWatched = false;
    this.#timer?.cancel();
    this.#timer = null;
    this.#filters.clear();
    this.#feed.stop();
  }

  #planTick(): void {
    this.#timer = this.#options.clock.setTimer(runtimeLimits.watchBookmarkMs, () => this.#tick());
  }

  #tick(): void {
    this.#planTick();
    this.#ticksWithoutLeader = this.#options.leaderId() === null ? this.#ticksWithoutLeader + 1 : 0;
    if (this.#ticksWithoutLeader >= ticksWithoutLeaderMax) {
      for (const watcher of this.#watchers) watcher.end('NOT_CONTROLLER', cutOff);
      return;
    }
    for (const watcher of this.#watchers) watcher.tick();
  }
}

/** A node that is cut off shows a state that stands still, and must not seem to be in order. */
const ticksWithoutLeaderMax = 2;

const stopping = 'This node is stopping; go on with another.';
const cutOff = 'This node knows of no leader and may be cut off from the quorum; go on with another.';
