import { assert, assertDefined } from '../../../src/base/assert.ts';
import { batchEndOffset, type LogBatch } from '../../../src/raft/batch.ts';
import type { Effect } from '../../../src/raft/effects.ts';
import type { Message } from '../../../src/raft/messages.ts';
import { type AppliedRecord, type Disk, type Host, textOf } from '../harness/host.ts';

/**
 * What must hold over all replicas together, whatever happens (Raft paper, Figure 3). It knows nothing of
 * how the core works: it sees effects, messages, disks and logs.
 */
export class Checker {
  /** Election safety: at most one leader an epoch. */
  readonly #leaders = new Map<number, string>();
  /** Log matching: a batch at an offset of an epoch has one content and one predecessor. */
  readonly #batches = new Map<string, string>();
  /** State machine safety: the record that was committed at each offset, by anybody. */
  readonly committed: AppliedRecord[] = [];
  readonly #barrierFloors = new Map<number, number>();
  readonly #notAppended = new Set<number>();
  readonly completed = new Set<number>();
  readonly unknown = new Set<number>();
  elections = 0;
  barriersDone = 0;
  truncations = 0;
  snapshotsInstalled = 0;
  voterChanges = 0;

  onEffect(host: Host, effect: Effect): void {
    switch (effect.type) {
      case 'roleChanged':
        if (effect.role === 'leader') this.#onLeader(host, effect.epoch);
        return;
      case 'appendBatches':
        this.#onAppend(host, effect.batches);
        return;
      case 'truncateLog':
        this.truncations += 1;
        assert(effect.to >= host.core.highWatermark, 'truncates what it knows as committed');
        return;
      case 'installSnapshot':
        this.snapshotsInstalled += 1;
        return;
      case 'completeProposal':
        this.completed.add(effect.proposalId);
        assert(effect.endOffset <= this.committed.length, 'completes what is not committed');
        return;
      case 'failProposal':
        if (effect.reason === 'OUTCOME_UNKNOWN') this.unknown.add(effect.proposalId);
        else this.#notAppended.add(effect.proposalId);
        return;
      case 'completeReadBarrier':
        this.barriersDone += 1;
        assert(effect.offset >= (this.#barrierFloors.get(effect.barrierId) ?? 0), 'a read sees the past');
        return;
      case 'voterChangeAnswered':
        if (effect.error === null) this.voterChanges += 1;
        return;
      case 'badMessage':
        throw new Error(`node ${host.key.id} calls a message bad: ${effect.reason}`);
      default:
    }
  }

  /** A read asked for now must see everything that anybody may know as committed. */
  onBarrier(barrierId: number): void {
    this.#barrierFloors.set(barrierId, this.committed.length);
  }

  #onLeader(host: Host, epoch: number): void {
    const name = `${host.key.id}/${host.key.directoryId}`;
    const before = this.#leaders.get(epoch);
    assert(before === undefined, `epoch ${epoch} is led by ${before ?? ''} and by ${name}`);
    this.#leaders.set(epoch, name);
    this.elections += 1;
    // Leader completeness: every committed record is in its log, or in the snapshot it stands on.
    for (const record of this.committed) {
      if (record.offset < host.log.start.endOffset) continue;
      const batch = batchAt(host.log.batches, record.offset);
      assert(batch?.epoch === record.epoch, `leader ${name} of epoch ${epoch} lacks ${record.offset}`);
    }
  }

  #onAppend(host: Host, batches: readonly LogBatch[]): void {
    let previous = host.log.batches[host.log.batches.length - 1];
    for (const batch of batches) {
      const content = Array.from({ length: batch.recordCount }, (_, index) => textOf(batch, index)).join(' ');
      const predecessor =
        previous === undefined
          ? `snapshot ${host.log.start.endOffset}e${host.log.start.epoch}`
          : `${previous.baseOffset}e${previous.epoch}`;
      const key = `${batch.baseOffset}e${batch.epoch}`;
      const isAfterSnapshot = previous === undefined && host.log.start.endOffset > 0;
      const known = this.#batches.get(key);
      const text = `${content} after ${predecessor}`;
      if (known === undefined) this.#batches.set(key, text);
      else if (isAfterSnapshot) assert(known.startsWith(`${content} after `), `two batches ${key}`);
      else
        assert(
          known === text || known.includes(' after snapshot'),
          `two batches ${key}: ${known} and ${text}`,
        );
      previous = batch;
    }
  }

  /** After every event: what this replica has applied is what everybody applies. */
  onApplied(host: Host): void {
    const { applied } = host;
    const end = applied.length;
    if (end <= this.committed.length) {
      const last = applied[end - 1];
      if (last !== undefined) assertSame(last, this.committed[end - 1]);
      return;
    }
    const before = this.committed[this.committed.length - 1];
    if (before !== undefined) assertSame(applied[this.committed.length - 1], before);
    for (let at = this.committed.length; at < end; at++) {
      const record = assertDefined(applied[at], 'applied records are counted from 0');
      assert(record.offset === at, 'a gap in what is applied');
      this.committed.push(record);
    }
  }

  /** Nothing that was refused before it was appended may ever be committed. */
  assertRefusedStayOut(): void {
    for (const record of this.committed) {
      const proposalId = Number(record.text.split('.')[0]);
      assert(!this.#notAppended.has(proposalId), `proposal ${proposalId} failed and is committed`);
    }
    const texts = this.committed.filter((record) => record.text.includes('.')).map((record) => record.text);
    assert(new Set(texts).size === texts.length, 'a proposal is committed twice');
    for (const proposalId of this.completed) {
      assert(texts.includes(`${proposalId}.0`), `proposal ${proposalId} was completed and is lost`);
    }
  }
}

/** What a message promises stands on disk before it leaves. */
export function assertPromiseIsDurable(disk: Disk, message: Message): void {
  const { quorumState } = disk;
  assert(quorumState.epoch >= message.epoch, `${message.type} of an epoch that is not on disk`);
  if (message.type === 'voteResponse' && message.voteGranted && !message.preVote) {
    assert(quorumState.epoch > message.epoch || quorumState.voted !== null, 'a vote that is not on disk');
  }
  if (message.type === 'voteRequest' && !message.preVote) {
    const isOwn = quorumState.voted?.id === message.candidate.id;
    assert(quorumState.epoch > message.epoch || isOwn, 'a candidacy that is not on disk');
  }
}

function batchAt(batches: readonly LogBatch[], offset: number): LogBatch | undefined {
  return batches.find((batch) => batch.baseOffset <= offset && batchEndOffset(batch) > offset);
}

function assertSame(left: AppliedRecord | undefined, right: AppliedRecord | undefined): void {
  const isSame = left?.offset === right?.offset && left?.epoch === right?.epoch && left?.text === right?.text;
  assert(isSame, `two records at one offset: ${JSON.stringify(left)} and ${JSON.stringify(right)}`);
}
