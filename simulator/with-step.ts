import type { Epoch, NodeId, Offset } from '../src/base/brands.ts';
import type { VoterSetAt } from '../src/raft/config.ts';
import type { RaftCore, ReplicaView, StepResult } from '../src/raft/core.ts';
import type { RoleName, VoterChangeError } from '../src/raft/effects.ts';
import type { Input } from '../src/raft/inputs.ts';
import type { Voter } from '../src/raft/replica-key.ts';
import type { SnapshotId } from '../src/raft/snapshot-id.ts';

/** A core whose steps go through `step`; its views stay the live ones of `core`. */
export function withStep(core: RaftCore, step: RaftCore['step']): RaftCore {
  return new SteppedCore(core, step);
}

/**
 * Everything by hand: an object that inherited from the core would have a shape of its own in each life of each
 * node, and checkers read these after every event.
 */
class SteppedCore implements RaftCore {
  readonly #core: RaftCore;
  readonly #step: RaftCore['step'];

  constructor(core: RaftCore, step: RaftCore['step']) {
    this.#core = core;
    this.#step = step;
  }

  step(input: Input): StepResult {
    return this.#step(input);
  }

  get role(): RoleName {
    return this.#core.role;
  }

  get epoch(): Epoch {
    return this.#core.epoch;
  }

  get leaderId(): NodeId | null {
    return this.#core.leaderId;
  }

  get highWatermark(): Offset {
    return this.#core.highWatermark;
  }

  get logStart(): SnapshotId {
    return this.#core.logStart;
  }

  get logEndOffset(): Offset {
    return this.#core.logEndOffset;
  }

  get flushedOffset(): Offset {
    return this.#core.flushedOffset;
  }

  get appliedOffset(): Offset {
    return this.#core.appliedOffset;
  }

  get latestSnapshot(): SnapshotId | null {
    return this.#core.latestSnapshot;
  }

  get currentVoterSet(): VoterSetAt {
    return this.#core.currentVoterSet;
  }

  get voters(): readonly Voter[] {
    return this.#core.voters;
  }

  get kraftVersion(): number {
    return this.#core.kraftVersion;
  }

  get committedKRaftVersion(): number {
    return this.#core.committedKRaftVersion;
  }

  get isActiveVoter(): boolean {
    return this.#core.isActiveVoter;
  }

  get recovering(): boolean {
    return this.#core.recovering;
  }

  get lastContactMs(): number | null {
    return this.#core.lastContactMs;
  }

  get pendingProposals(): number {
    return this.#core.pendingProposals;
  }

  get pendingBytes(): number {
    return this.#core.pendingBytes;
  }

  get unflushedAppends(): number {
    return this.#core.unflushedAppends;
  }

  get unflushedBytes(): number {
    return this.#core.unflushedBytes;
  }

  findVoterChangeError(voters: readonly Voter[]): VoterChangeError | null {
    return this.#core.findVoterChangeError(voters);
  }

  replicas(): readonly ReplicaView[] {
    return this.#core.replicas();
  }
}
