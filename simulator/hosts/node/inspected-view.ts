import type { Epoch, NodeId, Offset, Uuid } from '../../../src/base/brands.ts';
import { imageDigest, type MetadataImage } from '../../../src/metadata/image.ts';
import type { RoleName } from '../../../src/raft/effects.ts';
import type { Voter } from '../../../src/raft/replica-key.ts';
import type { SnapshotId } from '../../../src/raft/snapshot-id.ts';
import type { InspectedParts, WaitingWork } from '../../../src/runtime/node-inspector.ts';
import type { NodeView } from '../../observation.ts';

/** A running controller node as the checkers see it. */
export class InspectedView implements NodeView {
  readonly #parts: InspectedParts;

  constructor(parts: InspectedParts) {
    this.#parts = parts;
  }

  get role(): RoleName {
    return this.#parts.core.role;
  }

  get epoch(): Epoch {
    return this.#parts.core.epoch;
  }

  get leaderId(): NodeId | null {
    return this.#parts.core.leaderId;
  }

  get highWatermark(): Offset {
    return this.#parts.core.highWatermark;
  }

  get logStart(): SnapshotId {
    return this.#parts.core.logStart;
  }

  get latestSnapshot(): SnapshotId | null {
    return this.#parts.core.latestSnapshot;
  }

  get logEndOffset(): Offset {
    return this.#parts.log.endOffset;
  }

  get flushedOffset(): Offset {
    return this.#parts.log.flushedOffset;
  }

  get appliedOffset(): Offset {
    return this.#parts.image().endOffset;
  }

  get isRecovering(): boolean {
    return this.#parts.core.recovering;
  }

  get clusterId(): Uuid {
    return this.#parts.clusterId;
  }

  get pendingProposals(): number {
    return this.#parts.core.pendingProposals;
  }

  get waiting(): WaitingWork {
    return this.#parts.waiting();
  }

  get image(): MetadataImage {
    return this.#parts.image();
  }

  get kraftVersion(): number {
    return this.#parts.core.kraftVersion;
  }

  get voters(): readonly Voter[] {
    return this.#parts.core.voters;
  }

  get stateDigest(): string {
    return imageDigest(this.#parts.image());
  }

  chainCrcAt(offset: Offset): number | null {
    return this.#parts.log.chainCrcAt(offset);
  }
}
