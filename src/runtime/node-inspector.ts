import type { Uuid } from '../base/brands.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { RaftCore } from '../raft/core.ts';
import type { RaftLog } from './log/raft-log.ts';

/**
 * Looks into a node that runs, and takes no part in it: the simulator's checkers do. A node in production
 * has none.
 */
export type NodeInspector = {
  /** Stands between the node and its core; what it gives is used in the core's place. */
  wrapCore(core: RaftCore): RaftCore;
  /** The node has recovered and joined, and its core has taken no step yet. */
  started(parts: InspectedParts): void;
};

export type InspectedParts = {
  readonly clusterId: Uuid;
  readonly core: RaftCore;
  readonly log: RaftLog;
  readonly image: () => MetadataImage;
  readonly waiting: () => WaitingWork;
};

/** How much of each kind waits in a node, beside what its core keeps. */
export type WaitingWork = {
  /** Operations that the leader has not executed, and answers that wait until what they saw is committed. */
  readonly operations: number;
  /** Reads that wait for a barrier or for their turn. */
  readonly reads: number;
  /** … and those that wait for an offset of their own. */
  readonly offsets: number;
  /** Requests that were passed on to the leader. */
  readonly forwards: number;
};
