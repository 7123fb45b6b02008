import { assert } from '../src/base/assert.ts';
import type { Epoch, NodeId, Offset, Uuid } from '../src/base/brands.ts';
import type { MetadataImage } from '../src/metadata/image.ts';
import { batchEndOffset, type LogBatch } from '../src/raft/batch.ts';
import type { Effect, RoleName } from '../src/raft/effects.ts';
import type { Input } from '../src/raft/inputs.ts';
import type { QuorumState } from '../src/raft/quorum-state.ts';
import type { ReplicaKey, Voter } from '../src/raft/replica-key.ts';
import type { SnapshotId } from '../src/raft/snapshot-id.ts';
import type { WaitingWork } from '../src/runtime/node-inspector.ts';
import type { SupportedVersions } from '../src/runtime/node-options.ts';
import type { PeerMessage } from '../src/ports/transport.ts';
import { BatchHistory, type BatchNode } from './batch-history.ts';
import type { SimulatedStores } from '../src/testing/world/checkpoint-store.ts';
import type { LastLook } from './last-look.ts';
import type { SimulatedDisk } from '../src/testing/world/files.ts';
import type { SimulatedProcess } from '../src/testing/world/process.ts';
import { VoterSetHistory } from './voter-set-history.ts';
import type { World } from './world.ts';

/** What checkers may ask a running node at any time; its getters answer for the present moment. */
export type NodeView = {
  readonly role: RoleName;
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
  readonly highWatermark: Offset;
  readonly logStart: SnapshotId;
  readonly latestSnapshot: SnapshotId | null;
  readonly logEndOffset: Offset;
  readonly flushedOffset: Offset;
  readonly appliedOffset: Offset;
  readonly isRecovering: boolean;
  readonly clusterId: Uuid;
  /** Proposals that are appended and not committed. */
  readonly pendingProposals: number;
  /** What waits in the node beside its core; null where no controller runs. */
  readonly waiting: WaitingWork | null;
  /** The protocol in force, committed or not. */
  readonly kraftVersion: number;
  /** The set in force, committed or not. */
  readonly voters: readonly Voter[];
  /** Digest of the state at `appliedOffset`. */
  readonly stateDigest: number | string;
  /** The state itself; null where the state is none of metadata. */
  readonly image: MetadataImage | null;
  /** The chained CRC of the log below a batch boundary that is still in the log. */
  chainCrcAt(offset: Offset): number | null;
};

/** The log that would be found on a disk if the power failed now and everything unflushed were lost. */
export type DurableLog = {
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  readonly isDamaged: boolean;
  chainCrcAt(offset: Offset): number | null;
};

/** … and what else would be found. */
export type DurableState = DurableLog & {
  readonly quorumState: QuorumState | null;
  /** Where the checkpoint on disk ends; it holds everything below. */
  readonly snapshotEndOffset: Offset;
};

/** One node over all its lives, as checkers see it. */
export type ObservedNode = {
  readonly id: NodeId;
  readonly process: SimulatedProcess;
  readonly disk: SimulatedDisk;
  readonly stores: SimulatedStores;
  /** What the software supports that it runs, or ran last. */
  supported: SupportedVersions;
  /** The key of its present disk; a wiped disk gives it another. */
  key: ReplicaKey;
  /** Null while it does not run. */
  view: NodeView | null;
  /** The end of its log, as a path through everything that was ever appended anywhere. */
  tip: BatchNode;
  /** The furthest end of log that it was ever known to have on disk and has not truncated since. */
  durableTip: BatchNode;
  /** What it had on disk before its disk was damaged: its acknowledgements of that were true. */
  lostTip: BatchNode | null;
  /** Directory ids of its disks that were wiped. */
  readonly wipedDirectories: Set<Uuid>;
  /** True after a fault that its redundancy does not cover: bit rot or a wipe. */
  isDamaged: boolean;
  /** True while the system's cache hides the damage from the node. */
  hasUnseenDamage: boolean;
  /** Appends and truncations whose result the log has not shown yet. */
  readonly unsettled: LogChange[];
  readonly lastLook: LastLook;
};

export type LogChange =
  | { readonly kind: 'append'; readonly batch: LogBatch }
  | { readonly kind: 'truncate'; readonly to: Offset };

/** One property. The methods are called for every node as things happen, and throw by `cluster.fail`. */
export type Checker = {
  readonly name: string;
  /** Where the property is stated: paper section, KIP or design number. */
  readonly source: string;
  /** Its `afterEvent` is also called for a life that ends in the middle of a step. */
  readonly seesUnfinishedSteps?: boolean;
  /** `flushedBefore`: what its disk held when its last life ended. */
  afterBoot?(node: ObservedNode, flushedBefore: BatchNode): void;
  onEffects?(node: ObservedNode, input: Input, effects: readonly Effect[]): void;
  onSend?(node: ObservedNode, to: NodeId, message: PeerMessage): void;
  /** A message of a peer arrives, and the node has not looked at it yet. */
  onDeliver?(node: ObservedNode, message: PeerMessage): void;
  /** After every event of the node's process that has changed what its view shows. */
  afterEvent?(node: ObservedNode, view: NodeView): void;
  /** After every event of the node's process: for what time alone can break. */
  afterAnyEvent?(node: ObservedNode, view: NodeView): void;
  /** `epoch` is that of the leader that commits it. */
  onCommitted?(batch: BatchNode, by: ObservedNode, epoch: Epoch): void;
  atEnd?(): void;
};

type CheckersOf<Method extends keyof Checker> = (Checker & Required<Pick<Checker, Method>>)[];

function implementing<Method extends keyof Checker>(
  checker: Checker,
  method: Method,
  found: CheckersOf<Method>,
): void {
  if (checker[method] !== undefined) found.push(checker as CheckersOf<Method>[number]);
}

/** One cluster as its checkers see it: its nodes, and all that was ever appended or committed. */
export class ClusterObservation {
  readonly world: World;
  readonly nodes: ObservedNode[] = [];
  readonly history = new BatchHistory();
  readonly voterSets = new VoterSetHistory();
  /** The newest batch that any node has called committed. */
  committed: BatchNode;
  readonly #committedByEnd = new Map<number, BatchNode>();
  /** Checkers by what they look at: this is asked for every event, and most look at little. */
  readonly #watching = {
    afterBoot: [] as CheckersOf<'afterBoot'>,
    onEffects: [] as CheckersOf<'onEffects'>,
    onSend: [] as CheckersOf<'onSend'>,
    onDeliver: [] as CheckersOf<'onDeliver'>,
    afterEvent: [] as CheckersOf<'afterEvent'>,
    afterAnyEvent: [] as CheckersOf<'afterAnyEvent'>,
    onCommitted: [] as CheckersOf<'onCommitted'>,
    atEnd: [] as CheckersOf<'atEnd'>,
  };
  readonly readDurable: (node: ObservedNode) => DurableState;

  constructor(world: World, readDurable: (node: ObservedNode) => DurableState) {
    this.world = world;
    this.readDurable = readDurable;
    this.committed = this.history.root;
    this.#committedByEnd.set(0, this.committed);
  }

  /** They look in the order in which they were added. */
  add(...checkers: readonly Checker[]): void {
    for (const checker of checkers) {
      implementing(checker, 'afterBoot', this.#watching.afterBoot);
      implementing(checker, 'onEffects', this.#watching.onEffects);
      implementing(checker, 'onSend', this.#watching.onSend);
      implementing(checker, 'onDeliver', this.#watching.onDeliver);
      implementing(checker, 'afterEvent', this.#watching.afterEvent);
      implementing(checker, 'afterAnyEvent', this.#watching.afterAnyEvent);
      implementing(checker, 'onCommitted', this.#watching.onCommitted);
      implementing(checker, 'atEnd', this.#watching.atEnd);
    }
  }

  /** The committed batch that ends at `endOffset`; null when none does. */
  committedAt(endOffset: number): BatchNode | null {
    return this.#committedByEnd.get(endOffset) ?? null;
  }

  /** The voters of a node by the records of its log, and by its word only where its log holds no set of them. */
  votersInLogOf(node: ObservedNode): readonly Voter[] {
    return this.voterSets.at(node.tip)?.voters ?? node.view?.voters ?? [];
  }

  fail(checker: Checker, message: string): never {
    return this.world.fail(checker.name, `${message} (${checker.source})`);
  }

  onEffects(node: ObservedNode, input: Input, effects: readonly Effect[]): void {
    this.settle(node);
    node.lastLook.stepped();
    for (const effect of effects) {
      if (effect.type === 'appendBatches') {
        for (const batch of effect.batches) node.unsettled.push({ kind: 'append', batch });
      } else if (effect.type === 'truncateLog') {
        node.unsettled.push({ kind: 'truncate', to: effect.to });
      }
    }
    for (const checker of this.#watching.onEffects) checker.onEffects(node, input, effects);
  }

  onSend(node: ObservedNode, to: NodeId, message: PeerMessage): void {
    for (const checker of this.#watching.onSend) checker.onSend(node, to, message);
  }

  onDeliver(node: ObservedNode, message: PeerMessage): void {
    for (const checker of this.#watching.onDeliver) checker.onDeliver(node, message);
  }

  afterBoot(node: ObservedNode, view: NodeView): void {
    node.view = view;
    node.lastLook.stepped();
    node.unsettled.length = 0;
    const flushedBefore = node.durableTip;
    node.tip = this.#findTip(node, view);
    node.durableTip = ancestorAt(node.tip, durableEndOf(view));
    for (const checker of this.#watching.afterBoot) checker.afterBoot(node, flushedBefore);
  }

  afterEvent(node: ObservedNode): void {
    const { view } = node;
    if (view === null) return;
    for (const checker of this.#watching.afterAnyEvent) checker.afterAnyEvent(node, view);
    if (!node.lastLook.isOutdated(view)) return;
    this.lookAt(node);
    node.lastLook.taken(view);
  }

  /** In the midst of an event: at what the node shows already. */
  lookAt(node: ObservedNode): void {
    const { view } = node;
    if (view === null || !node.lastLook.isOutdated(view)) return;
    this.settle(node);
    for (const checker of this.#watching.afterEvent) checker.afterEvent(node, view);
  }

  /**
   * A life may end in the middle of a step: what it has appended and sent until then counts. Where the step
   * had not come to its appends, its high watermark is not known to anybody else.
   */
  beforeEnd(node: ObservedNode): void {
    const { view } = node;
    if (view === null) return;
    this.settle(node);
    if (view.highWatermark > view.logEndOffset) return;
    for (const checker of this.#watching.afterEvent) {
      if (checker.seesUnfinishedSteps === true) checker.afterEvent(node, view);
    }
  }

  afterEnd(node: ObservedNode): void {
    node.view = null;
    node.unsettled.length = 0;
  }

  atEnd(): void {
    for (const checker of this.#watching.atEnd) checker.atEnd();
  }

  /** Called by the checker that keeps the committed log, batch by batch. */
  announceCommitted(batch: BatchNode, by: ObservedNode, epoch: Epoch): void {
    this.committed = batch;
    this.#committedByEnd.set(batch.endOffset, batch);
    for (const checker of this.#watching.onCommitted) checker.onCommitted(batch, by, epoch);
  }

  /** Follows the node's log through what it has appended and truncated since the last look. */
  settle(node: ObservedNode): void {
    const { view, unsettled } = node;
    if (view === null) return;
    for (let at = 0; at < unsettled.length; at++) {
      const change = unsettled[at];
      if (change === undefined) continue;
      if (change.kind === 'truncate') this.#cut(node, change.to);
      else if (!isUndone(unsettled, at, change.batch)) this.#extend(node, view, change.batch);
    }
    unsettled.length = 0;
    const end = view.logEndOffset;
    // A snapshot may have replaced the log, even by one that ends at the same offset.
    const isReplaced = end !== node.tip.endOffset || (end > 0 && view.chainCrcAt(end) !== node.tip.chainCrc);
    const durableEnd = durableEndOf(view);
    if (isReplaced) {
      node.tip = this.#findTip(node, view);
      node.durableTip = ancestorAt(node.tip, durableEnd);
    }
    if (durableEnd > node.durableTip.endOffset) node.durableTip = ancestorAt(node.tip, durableEnd);
  }

  #extend(node: ObservedNode, view: NodeView, batch: LogBatch): void {
    const chain = view.chainCrcAt(batchEndOffset(batch));
    // A snapshot that was installed in the same event has replaced the log.
    if (chain === null) return;
    if (batch.baseOffset !== node.tip.endOffset) return;
    node.tip = this.history.extend(node.tip, batch, chain, (message) =>
      this.world.fail('log matching', `${message} on ${node.process.name} (Raft paper, 5.3)`),
    );
  }

  #cut(node: ObservedNode, to: Offset): void {
    node.tip = ancestorAt(node.tip, to);
    if (node.durableTip.endOffset > to) node.durableTip = ancestorAt(node.durableTip, to);
  }

  /** A log that was recovered or installed must be one that was appended somewhere, byte for byte. */
  #findTip(node: ObservedNode, view: NodeView): BatchNode {
    const end = view.logEndOffset;
    if (end === 0) return this.history.root;
    const chain = view.chainCrcAt(end);
    const found = chain === null ? null : this.history.find(end, chain);
    if (found !== null) return found;
    return this.world.fail(
      'logs hold only what was appended',
      `${node.process.name} has a log that ends at ${end} with chain CRC ${chain}, which no leader wrote (Raft paper, 5.3)`,
    );
  }
}

/** A durable checkpoint holds what is below it, whether the log was flushed so far or not. */
function durableEndOf(view: NodeView): Offset {
  const snapshotEnd = view.latestSnapshot?.endOffset ?? view.flushedOffset;
  return snapshotEnd > view.flushedOffset ? snapshotEnd : view.flushedOffset;
}

/** True when a truncation later in the list takes the batch away again. */
function isUndone(changes: readonly LogChange[], at: number, batch: LogBatch): boolean {
  for (let later = at + 1; later < changes.length; later++) {
    const change = changes[later];
    if (change?.kind === 'truncate' && change.to <= batch.baseOffset) return true;
  }
  return false;
}

/** The last batch on the path to `tip` that ends at or below `offset`. */
export function ancestorAt(tip: BatchNode, offset: number): BatchNode {
  let node = tip;
  while (node.endOffset > offset) {
    assert(node.parent !== null, 'the path to a batch begins at offset 0');
    node = node.parent;
  }
  return node;
}

/** True when the log that ends with `tip` holds `batch`. */
export function holds(tip: BatchNode, batch: BatchNode): boolean {
  return tip.endOffset >= batch.endOffset && ancestorAt(tip, batch.endOffset) === batch;
}

/** The last batch that both logs hold. */
export function lastCommon(left: BatchNode, right: BatchNode): BatchNode {
  let one = left;
  let other = right;
  while (one !== other) {
    const higher = one.endOffset >= other.endOffset ? one : other;
    assert(higher.parent !== null, 'every path begins at the root');
    if (higher === one) one = higher.parent;
    else other = higher.parent;
  }
  return one;
}
