import type { WatchEvent } from '../../src/runtime/watch/watch-api.ts';
import type { BatchNode } from '../batch-history.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation, NodeView, ObservedNode } from '../observation.ts';
import { recordsIn } from '../records-in.ts';
import { type CallJudge, isDefinitive } from '../workload/operators/call-ledger.ts';
import type { ModelWatcher, WatchJudge } from '../workload/watchers/model-watcher.ts';

/**
 * A metadata transaction is seen whole or not at all:
 * 1. One is open at a time, and between Begin and End stand no batches of data but of the epoch that has begun it.
 *    Whoever leads next writes an Abort before any other data. Begin is the first record of its batch, End the last,
 *    Abort the only one.
 * 2. No node's state stands within one, nor that of a checkpoint that it begins with.
 * 3. No definitive answer is given at an offset within one.
 * 4. Who watches is told of each part of one, but of the last, that more follows; of an aborted one the Abort alone;
 *    and no state and no bookmark within one.
 */
export function transactionsAreAtomic(
  cluster: ClusterObservation,
  witness: MetadataWitness,
): Checker & CallJudge & WatchJudge {
  let open: BatchNode | null = null;
  const shown = new Map<ObservedNode, number>();
  const checker: Checker & CallJudge & WatchJudge = {
    name: 'transactions are atomic to reads and watches',
    source: 'design 2; KIP-868; etcd API guarantees, atomicity',
    onCommitted: (batch) => judgeLog(batch),
    afterEvent(node, view) {
      judgeState(node, view);
    },
    answered({ entry, operationId, answer }) {
      if (!isDefinitive(answer)) return;
      const within = aroundOf(answer.offset);
      if (within !== null)
        cluster.fail(checker, `call ${entry.id} (${operationId}) is answered at ${answer.offset}, ${within}`);
    },
    arrived: (watcher, event) => judgeEvent(watcher, event),
    given: () => undefined,
  };

  function judgeLog(batch: BatchNode): void {
    const types = recordsIn(batch).map(({ type }) => type);
    if (types.length === 0) return;
    const place = `the batch at ${batch.baseOffset}`;
    for (const [at, type] of types.entries()) {
      if (type === 'BeginTransactionRecord') {
        if (at > 0) cluster.fail(checker, `${place} has a Begin that is not its first record`);
        if (open !== null)
          cluster.fail(checker, `${place} begins a transaction within that of ${open.baseOffset}`);
        open = batch;
      } else if (type === 'AbortTransactionRecord') {
        if (types.length > 1) cluster.fail(checker, `${place} has more than an Abort`);
        if (open === null) return cluster.fail(checker, `${place} aborts nothing`);
        open = null;
      } else if (open !== null && batch.epoch !== open.epoch) {
        cluster.fail(
          checker,
          `${place} has ${type} of another leader within the transaction of ${open.baseOffset}`,
        );
      } else if (type === 'EndTransactionRecord') {
        if (at < types.length - 1) cluster.fail(checker, `${place} goes on behind an End`);
        if (open === null) return cluster.fail(checker, `${place} ends nothing`);
        open = null;
      }
    }
  }

  function judgeState(node: ObservedNode, view: NodeView): void {
    const { image } = view;
    if (image === null) return;
    const { endOffset } = image;
    if (shown.get(node) === endOffset) return;
    shown.set(node, endOffset);
    const within = aroundOf(endOffset);
    if (within !== null)
      cluster.fail(checker, `${node.process.name} shows a state at ${endOffset}, ${within}`);
  }

  function judgeEvent(watcher: ModelWatcher, event: WatchEvent): void {
    if (event.kind === 'heartbeat' || event.kind === 'state') return;
    const offset = event.kind === 'delta' ? event.endOffset : event.offset;
    const within = aroundOf(offset);
    const isPart = event.kind === 'delta' && event.continues === true;
    const isAborted = witness.unitWith(offset)?.isAborted === true;
    if (isPart ? within !== null && !isAborted : within === null) return;
    const what = isPart ? 'is told that more follows' : `is sent a ${event.kind}`;
    cluster.fail(
      checker,
      `${watcher.process.name} ${what} at ${offset}, ${within ?? 'where nothing is open'}`,
    );
  }

  /** The transaction in the middle of which an offset lies, ended or not. */
  function aroundOf(offset: number): string | null {
    if (open !== null && offset > open.baseOffset) return `within the open transaction of ${open.baseOffset}`;
    const unit = witness.unitWith(offset);
    if (unit === null || unit.batches.length === 1) return null;
    const isWithin = unit.baseOffset < offset && offset < unit.image.endOffset;
    return isWithin ? `within the transaction from ${unit.baseOffset} to ${unit.image.endOffset}` : null;
  }
  return checker;
}
