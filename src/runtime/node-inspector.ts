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
};
