import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset } from '../../src/base/brands.ts';
import { crcOf } from '../../src/codec/crc.ts';
import { zeroUuid } from '../../src/base/uuid.ts';
import { imageDigest, type MetadataImage } from '../../src/metadata/image.ts';
import type { StoreEntry } from '../../src/ports/checkpoint-store.ts';
import type { SnapshotId } from '../../src/raft/snapshot-id.ts';
import type { Checkpointer } from '../../src/runtime/checkpoint/checkpointer.ts';
import { type Installation, SnapshotReceiver } from '../../src/runtime/checkpoint/snapshot-receiver.ts';
import { SnapshotSender } from '../../src/runtime/checkpoint/snapshot-sender.ts';
import {
  encodeStreamEntry,
  SnapshotStreamParser,
  SnapshotStreamReader,
} from '../../src/runtime/checkpoint/snapshot-stream.ts';
import { runSequence } from '../../src/runtime/sequence.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { CheckpointHost } from './support/checkpoints.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';

const entries: readonly StoreEntry[] = [
  { key: Uint8Array.of(1, 2, 3), value: new Uint8Array(300).fill(7) },
  { key: Uint8Array.of(4), value: new Uint8Array(0) },
  { key: Uint8Array.of(5, 6), value: Uint8Array.of(9) },
];

describe('the stream of a snapshot', () => {
  it('gives the same entries, wherever it is cut', () => {
    for (let chunkBytes = 1; chunkBytes < 340; chunkBytes += 13) {
      const reader = new SnapshotStreamReader(entries);
      const parser = new SnapshotStreamParser();
      const found: StoreEntry[] = [];
      for (let isLast = false; !isLast; ) {
        const { bytes, last } = reader.next(chunkBytes);
        expect(bytes.length).toBeLessThanOrEqual(chunkBytes);
        const parsed = parser.push(bytes);
        if (!parsed.ok) throw new Error(parsed.error);
        found.push(...parsed.value);
        isLast = last;
      }
      expect(found).toEqual(entries);
      expect(parser.isAtEntryEnd).toBe(true);
    }
  });

  it('says that it is the last chunk exactly when nothing follows', () => {
    const whole = entries.reduce((sum, entry) => sum + encodeStreamEntry(entry).length, 0);
    expect(new SnapshotStreamReader(entries).next(whole).last).toBe(true);
    expect(new SnapshotStreamReader(entries).next(whole - 1).last).toBe(false);
  });

  it('refuses lengths that no entry has, before it waits for so many bytes', () => {
    const hostile = new Uint8Array(8).fill(0xff);
    expect(new SnapshotStreamParser().push(hostile).ok).toBe(false);
  });

  it('knows when an entry is half received', () => {
    const parser = new SnapshotStreamParser();
    parser.push(encodeStreamEntry(entries[0] ?? { key: hostKey, value: hostKey }).subarray(0, 20));
    expect(parser.isAtEntryEnd).toBe(false);
  });
});

const hostKey = Uint8Array.of(1);

function state(topics: number): MetadataImage {
  const cluster = new TestCluster();
  cluster.start(1, 2, 3);
  for (let at = 0; at < topics; at++) cluster.ok('createTopic', { body: { name: `topic-${at}` } });
  return cluster.image;
}

const small = state(20);
const large = state(150);

/** A leader with a checkpoint, and a sender over it. */
class SendingHost extends CheckpointHost {
  checkpoint: Checkpointer | null = null;
  readonly sender = new SnapshotSender(
    this.host.clock,
    (snapshotId) => this.checkpoint?.entriesOf(snapshotId) ?? null,
  );

  put(image: MetadataImage): SnapshotId {
    this.write(image);
    this.checkpoint = this.checkpointer();
    return { endOffset: image.endOffset, epoch: image.epoch };
  }

  ask(snapshotId: SnapshotId, position: number, maxBytes = 300, to = 1) {
    const response = {
      type: 'fetchSnapshotResponse' as const,
      clusterId: zeroUuid,
      epoch: epoch(1),
      leaderId: nodeId(0),
      snapshotId,
    };
    return this.sender.answer({ type: 'sendSnapshotChunk', to: nodeId(to), response, position, maxBytes })
      .outcome;
  }
}

class ReceivingHost extends CheckpointHost {
  readonly receiver = new SnapshotReceiver(builtInRegistry, this.port, this.host.clock);

  take(snapshotId: SnapshotId, position: number, bytes: Uint8Array, last: boolean): void {
    const effect = { type: 'storeSnapshotChunk' as const, ioId: 1, snapshotId, position, bytes, last };
    const stored = this.host.await<{ ok: boolean }>((done) => runSequence(this.receiver.store(effect), done));
    if (!stored.ok) throw new Error(JSON.stringify(stored));
  }

  install(snapshotId: SnapshotId): Installation {
    return this.host.await<Installation>((done) => runSequence(this.receiver.install(snapshotId), done));
  }
}

type Change = (chunk: { readonly position: number; readonly bytes: Uint8Array }) => Uint8Array;

/** Hands a whole snapshot over; gives how many chunks it took. */
function transfer(
  from: SendingHost,
  to: ReceivingHost,
  snapshotId: SnapshotId,
  change: Change = ({ bytes }) => bytes,
): number {
  let position = 0;
  for (let chunks = 1; ; chunks++) {
    const chunk = from.ask(snapshotId, position);
    if (chunk.kind !== 'chunk') throw new Error(chunk.error);
    expect(chunk.crc).toBe(crcOf(chunk.bytes));
    to.take(snapshotId, position, change(chunk), chunk.last);
    position += chunk.bytes.length;
    if (chunk.last) return chunks;
  }
}

describe('a snapshot', () => {
  it('arrives whole, in many chunks, and is found again after a restart', () => {
    const sending = new SendingHost();
    const receiving = new ReceivingHost(2);
    receiving.write(state(3));
    const snapshotId = sending.put(large);
    expect(transfer(sending, receiving, snapshotId)).toBeGreaterThan(5);
    const installation = receiving.install(snapshotId);
    if (!installation.ok || installation.value === null) throw new Error('not installed');
    expect(imageDigest(installation.value.loaded.image)).toBe(imageDigest(large));
    receiving.restart(true);
    expect(imageDigest(receiving.loaded()?.image ?? small)).toBe(imageDigest(large));
  });

  it('is not put in force when any of its bytes was changed on the way, and what was in force stays', () => {
    const sending = new SendingHost();
    const snapshotId = sending.put(small);
    let total = 0;
    transfer(sending, new ReceivingHost(), snapshotId, ({ bytes }) => {
      total += bytes.length;
      return bytes;
    });
    const own = state(3);
    for (let damagedAt = 0; damagedAt < total; damagedAt += 37) {
      const receiving = new ReceivingHost(damagedAt);
      receiving.write(own);
      transfer(sending, receiving, snapshotId, ({ position, bytes }) => {
        const changed = bytes.slice();
        const at = damagedAt - position;
        if (at >= 0 && at < changed.length) changed[at] = (changed[at] ?? 0) ^ 0x10;
        return changed;
      });
      expect(receiving.install(snapshotId)).toEqual({ ok: true, value: null });
      receiving.restart(false);
      expect(imageDigest(receiving.loaded()?.image ?? large)).toBe(imageDigest(own));
    }
  });

  it('is not put in force when its end is missing, or a chunk in its midst', () => {
    const sending = new SendingHost();
    const snapshotId = sending.put(small);
    for (const left of [600, 0]) {
      const receiving = new ReceivingHost();
      let position = 0;
      for (;;) {
        const chunk = sending.ask(snapshotId, position);
        if (chunk.kind !== 'chunk') throw new Error(chunk.error);
        const isMissing = left === 0 ? chunk.last : position === left;
        if (!isMissing) receiving.take(snapshotId, position, chunk.bytes, chunk.last);
        position += chunk.bytes.length;
        if (chunk.last) break;
      }
      expect(receiving.install(snapshotId)).toEqual({ ok: true, value: null });
    }
  });

  it('begins anew at position 0, with nothing left of what was received before', () => {
    const sending = new SendingHost();
    const receiving = new ReceivingHost();
    const first = sending.put(large);
    // All but the end of it has arrived.
    for (let position = 0; ; position += 300) {
      const chunk = sending.ask(first, position);
      if (chunk.kind !== 'chunk') throw new Error(chunk.error);
      if (chunk.last) break;
      receiving.take(first, position, chunk.bytes, false);
    }
    // Another leader's snapshot of the same end has other bytes.
    const other = new SendingHost(5);
    other.put({ ...small, endOffset: first.endOffset, epoch: first.epoch });
    transfer(other, receiving, first);
    const installation = receiving.install(first);
    if (!installation.ok || installation.value === null) throw new Error('not installed');
    expect(imageDigest(installation.value.loaded.image)).toBe(imageDigest(small));
  });

  it('is refused when it is another than was asked for', () => {
    const sending = new SendingHost();
    const receiving = new ReceivingHost();
    const snapshotId = sending.put(small);
    transfer(sending, receiving, snapshotId);
    const other = { ...snapshotId, endOffset: offset(snapshotId.endOffset + 1) };
    expect(receiving.install(other)).toEqual({ ok: true, value: null });
  });

  it('is refused when it names no voters, because nobody could be elected after it', () => {
    const sending = new SendingHost();
    sending.voters = [];
    const receiving = new ReceivingHost();
    const snapshotId = sending.put(small);
    transfer(sending, receiving, snapshotId);
    expect(receiving.install(snapshotId)).toEqual({ ok: true, value: null });
  });
});

describe('the sender of snapshots', () => {
  it('gives a chunk again whose answer was lost', () => {
    const sending = new SendingHost();
    const snapshotId = sending.put(small);
    sending.ask(snapshotId, 0);
    const second = sending.ask(snapshotId, 300);
    sending.put(large);
    expect(sending.ask(snapshotId, 300)).toEqual(second);
    expect(sending.ask(snapshotId, 600)).toMatchObject({ kind: 'chunk', position: 600 });
  });

  it('goes on at a position that it was not asked for before', () => {
    const sending = new SendingHost();
    const snapshotId = sending.put(small);
    const straight = [0, 300, 600].map((position) => sending.ask(snapshotId, position, 300, 1));
    expect(sending.ask(snapshotId, 600, 300, 2)).toEqual(straight[2]);
  });

  it('refuses a position beyond the end, and a snapshot that it does not have', () => {
    const sending = new SendingHost();
    const snapshotId = sending.put(small);
    expect(sending.ask(snapshotId, 2 ** 40)).toEqual({ kind: 'refused', error: 'POSITION_OUT_OF_RANGE' });
    const other = { ...snapshotId, epoch: epoch(snapshotId.epoch + 1) };
    expect(sending.ask(other, 0)).toEqual({ kind: 'refused', error: 'SNAPSHOT_NOT_FOUND' });
  });

  it('brings a transfer that has begun to its end though a newer checkpoint is in force', () => {
    const sending = new SendingHost();
    const receiving = new ReceivingHost();
    const snapshotId = sending.put(small);
    let chunks = 0;
    transfer(sending, receiving, snapshotId, ({ bytes }) => {
      if (++chunks === 2) sending.put(large);
      return bytes;
    });
    const installation = receiving.install(snapshotId);
    expect(installation.ok && installation.value !== null).toBe(true);
    expect(sending.ask(snapshotId, 0, 1_000, 7)).toMatchObject({ error: 'SNAPSHOT_NOT_FOUND' });
  });

  it('forgets who has asked no more for long, and keeps a bounded number', () => {
    const sending = new SendingHost();
    const snapshotId = sending.put(small);
    for (let peer = 1; peer < 100; peer++) sending.ask(snapshotId, 0, 1_000, peer);
    expect(sending.sender.transferCount).toBeLessThan(20);
    sending.host.run(120_000);
    sending.ask(snapshotId, 0, 1_000, 100);
    expect(sending.sender.transferCount).toBe(1);
  });
});
