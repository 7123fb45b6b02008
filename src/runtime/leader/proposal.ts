import type { Epoch, Offset } from '../../base/brands.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { QuorumChange } from '../../metadata/operation.ts';
import type { ProposedBatch } from '../../raft/inputs.ts';

export type Proposal = {
  readonly proposalId: number;
  readonly epoch: Epoch;
  readonly baseOffset: Offset;
  readonly batch: ProposedBatch;
  /** The state after the proposal, computed already (design 9). */
  readonly image: MetadataImage;
  /** What becomes visible when it is committed: null within a transaction, where nothing does. */
  readonly shows: Shown | null;
};

export type Shown = {
  /** The end of the image that `Proposal.image` takes the place of. */
  readonly since: Offset;
  /** Of the log, from there on. */
  readonly bytes: number;
};

/** Control records, which the core makes. */
export type QuorumChangeProposal = Pick<Proposal, 'proposalId' | 'epoch' | 'baseOffset'> & {
  readonly change: QuorumChange;
};
