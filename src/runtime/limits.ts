import { assert } from '../base/assert.ts';
import type { RaftConfig } from '../raft/config.ts';
import { limits as metadataLimits } from '../metadata/limits.ts';

/** Every bound of the runtime in one place, with the relations between them asserted below. */
export const runtimeLimits = {
  /** Operations that wait on the leader, for each priority; more are refused. */
  operationsQueuedMax: 20_000,
  /** Operations executed in one slice of work. */
  operationsPerBatchMax: 512,
  /** Time after which work that comes in many small steps lets the event loop have its turn, in ms. */
  sliceMs: 4,
  /**
   * An operation that may have several steps gives no more records at once, and a batch of a transaction holds about as
   * many: some ms of work, on the leader and on whoever replays it.
   */
  recordsPerStepMax: 1_000,
  recordsPerBatchMax: metadataLimits.recordsPerBatchMax,
  batchBytesMax: metadataLimits.batchBytesMax,
  /** Batches appended and not yet committed; `proposalWindow` may allow fewer. */
  proposalsInFlightMax: 256,
  bytesInFlightMax: 16 * 1024 * 1024,
  /** Reads that wait for a barrier, for the state to reach its offset, or for their turn; more are refused. */
  readsQueuedMax: 50_000,
  /** What a refused caller is told to wait, in ms. */
  retryAfterMs: 100,
  /** Bytes of one checkpoint write, so that no write blocks the store for long (design 18). */
  checkpointWriteBytesMax: 1024 * 1024,
  /** How long a checkpoint that found no room on the disk waits before it is tried again, in ms. */
  checkpointRetryMs: 5_000,
  /** How often the free space is looked at, in ms. */
  diskSpacePollMs: 5_000,
  /** How often a leader looks for expired broker sessions, in ms. */
  sessionCheckMs: 100,
  /** A timer that comes later than this shows that the process stood still, in ms. */
  stallToleratedMs: 20,
  /** How long a node that stops waits for what is pending, and for another to lead, in ms. */
  drainMs: 1_000,
  handOverMs: 3_000,
  handOverLookMs: 5,
  /** Reads that wait for an offset of their own, which may never come; more are refused. */
  offsetWaitersMax: 50_000,
  /** Streams that watch this node at once; more are refused. */
  watchersMax: 8_192,
  /** Committed batches that are kept decoded for those who watch, in bytes of the log. */
  watchRecentBytesMax: 8 * 1024 * 1024,
  /** What one watcher is given, and what is read of the log, at once. */
  watchSliceBytesMax: 128 * 1024,
  /** Records of the state that are looked at for one watcher at once. */
  watchStateRecordsMax: 256,
  /** A stream in which nothing has happened for so long says where it stands, in ms. */
  watchBookmarkMs: 5_000,
  /** How long a controller whose registration failed waits at first, and at most, before it asks again, in ms. */
  registrationRetryMs: 50,
  registrationPauseMs: 1_000,
  /** Images that are kept for listings under way, and for how long after their last use, in ms. */
  listingImagesMax: 64,
  listingImageIdleMs: 60_000,
  /**
   * Reads of the past: how many records and ms it reaches back, at how many records an image is kept, how much of the
   * log is replayed at once, and how many may wait for a state that is made.
   */
  pastRecordsMax: 100_000,
  pastAgeMs: 10 * 60_000,
  pastImageRecords: 10_000,
  pastSliceBytes: 256 * 1024,
  pastReadsWaitingMax: 1_000,
  /** Read barriers under way at once; reads that come meanwhile share the next. */
  barriersInFlightMax: 64,
} as const;

/** What a leader may have appended and not yet committed, and separately what its own disk may owe. */
export type ProposalWindow = { readonly count: number; readonly bytes: number };

/**
 * Keeps a leader below the limits of its own core. A refused proposal voids everything computed upon it, so
 * one that proposes until it is refused only begins anew again and again. Half of the core's count leaves
 * room for the proposals that the core has not looked at yet, a quarter of its bytes for one whole batch too.
 */
export function proposalWindow(core: CoreLimits): ProposalWindow {
  return {
    count: Math.min(runtimeLimits.proposalsInFlightMax, Math.ceil(core.pendingProposalsMax / 2)),
    bytes: Math.min(runtimeLimits.bytesInFlightMax, Math.ceil(core.pendingBytesMax / 4)),
  };
}

type CoreLimits = Pick<RaftConfig, 'pendingProposalsMax' | 'pendingBytesMax'>;

assert(
  runtimeLimits.bytesInFlightMax >= 4 * runtimeLimits.batchBytesMax,
  'a full batch must not stop the next from being made while it is flushed',
);
assert(
  runtimeLimits.watchRecentBytesMax >= 4 * runtimeLimits.batchBytesMax,
  'one who reads as fast as batches come finds them in memory',
);
assert(
  runtimeLimits.registrationRetryMs < runtimeLimits.registrationPauseMs,
  'waiting for another attempt grows',
);
assert(
  runtimeLimits.pastImageRecords * 10 <= runtimeLimits.pastRecordsMax,
  'what is given up of the past at once is a small part of it',
);
assert(
  runtimeLimits.recordsPerStepMax < runtimeLimits.recordsPerBatchMax,
  'a step fits a batch, with the End of its transaction',
);
assert(runtimeLimits.drainMs < runtimeLimits.handOverMs, 'time is left to hand leadership over');
assert(
  runtimeLimits.operationsQueuedMax >= runtimeLimits.operationsPerBatchMax,
  'a batch must be able to fill from the queue',
);
