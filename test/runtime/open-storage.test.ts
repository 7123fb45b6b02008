import { describe, expect, it } from 'vitest';
import { offset } from '../../src/base/brands.ts';
import { imageDigest } from '../../src/metadata/image.ts';
import { responseOf } from './support/brokers.ts';
import { TestQuorum } from './support/quorum.ts';
import type { HostedNode } from '../../src/testing/hosted-node.ts';

/** One controller that is a quorum by itself, with a log of many segments and a checkpoint in its midst. */
function lonely(
  seed: number,
  retentionBytes: number,
): { readonly quorum: TestQuorum; readonly node: HostedNode } {
  const settings = { segmentBytes: 4 * 1024, checkpointBytes: 8 * 1024, logRetentionBytes: retentionBytes };
  const quorum = TestQuorum.serving({ count: 1, seed, settings });
  const node = quorum.node(0);
  for (let round = 0; round < 40; round++) {
    const submitted = Array.from({ length: 10 }, () => quorum.submit(node, 'openSession'));
    quorum.until(() => submitted.every(({ answers }) => answers.length === 1), 'answered');
  }
  quorum.run(500);
  return { quorum, node };
}

function digestOf(node: HostedNode): string {
  const image = node.running.image();
  return image === null ? 'none' : imageDigest(image);
}

function sessionsOf(quorum: TestQuorum, node: HostedNode): number {
  const { sessions } = responseOf(quorum.call(node, 'listSessions', { query: { limit: 1000 } }));
  return Array.isArray(sessions) ? sessions.length : -1;
}

const keepAll = 1_000_000_000;

describe('checkpoint and log at the start', () => {
  it('serve together: the checkpoint, and the log from there on', () => {
    const { quorum, node } = lonely(1, 0);
    const before = digestOf(node);
    const { logStartOffset, latestSnapshotOffset } = node.status();
    expect(logStartOffset).toBeGreaterThan(0);
    expect(latestSnapshotOffset).toBeGreaterThan(0);
    quorum.kill(node, true);
    quorum.start(node);
    quorum.leader();
    expect(digestOf(node)).toBe(before);
    expect(sessionsOf(quorum, node)).toBe(400);
    expect(node.status().recovering).toBe(false);
  });

  it('serve without the checkpoint where the log begins at the beginning', () => {
    const { quorum, node } = lonely(2, keepAll);
    const before = digestOf(node);
    expect(node.status().logStartOffset).toBe(0);
    expect(node.status().latestSnapshotOffset).toBeGreaterThan(0);
    quorum.kill(node);
    node.stores.wipe();
    quorum.start(node);
    quorum.leader();
    expect(digestOf(node)).toBe(before);
    expect(node.status().recovering).toBe(false);
  });

  it('make the node recover when the checkpoint is gone and the log before it was deleted', () => {
    const { quorum, node } = lonely(3, 0);
    quorum.kill(node);
    node.stores.wipe();
    quorum.start(node);
    quorum.run(2_000);
    expect(node.started).toEqual({ ok: true, value: null });
    expect(node.status().recovering).toBe(true);
    // It holds nothing any more, and there is nobody to recover from: it serves nobody.
    expect(node.status().active).toBe(false);
    expect(node.logged.join('\n')).toContain('recovering');
    quorum.kill(node, true);
    quorum.start(node);
    quorum.run(2_000);
    expect(node.status().recovering).toBe(true);
  });

  it.each(['at open', 'when read'] as const)(
    'serve without a checkpoint that is damaged %s where the log begins at the beginning',
    (damaged) => {
      const { quorum, node } = lonely(8, keepAll);
      const before = digestOf(node);
      quorum.kill(node);
      node.stores.damaged = damaged;
      quorum.start(node);
      quorum.leader();
      expect(digestOf(node)).toBe(before);
      expect(node.status().recovering).toBe(false);
      expect(node.logged.some((line) => line.startsWith('checkpoint-damaged'))).toBe(true);
    },
  );

  it.each(['at open', 'when read'] as const)(
    'make the node recover when the checkpoint is damaged %s and the log before it was deleted',
    (damaged) => {
      const { quorum, node } = lonely(9, 0);
      quorum.kill(node);
      node.stores.damaged = damaged;
      quorum.start(node);
      quorum.run(2_000);
      expect(node.started).toEqual({ ok: true, value: null });
      expect(node.status()).toMatchObject({ recovering: true, active: false });
      quorum.kill(node, true);
      quorum.start(node);
      quorum.run(2_000);
      expect(node.status()).toMatchObject({ recovering: true, active: false });
    },
  );

  it('make the node recover, durably, when the log is damaged behind the checkpoint', () => {
    const { quorum, node } = lonely(4, 0);
    const applied = node.status().latestSnapshotOffset;
    quorum.kill(node);
    const segments = node.disk.paths().filter((path) => path.includes('/log/'));
    for (const segment of segments) node.disk.corrupt(segment, 600, 0xff);
    quorum.start(node);
    quorum.run(2_000);
    expect(node.status().recovering).toBe(true);
    expect(node.status().active).toBe(false);
    // What the checkpoint holds was committed, and is kept.
    expect(node.status().appliedOffset).toBe(applied);
    expect(node.status().logEndOffset).toBe(applied);
  });

  it('lose nothing when only the checkpoint’s newest bytes are gone', () => {
    const { quorum, node } = lonely(5, 0);
    const before = digestOf(node);
    for (let round = 0; round < 5; round++) {
      quorum.kill(node, true);
      quorum.start(node);
      quorum.leader();
      expect(digestOf(node)).toBe(before);
    }
  });

  it('refuse to start when node.properties are gone and a vote was cast, and say which file', () => {
    const { quorum, node } = lonely(6, keepAll);
    quorum.kill(node);
    expect(node.disk.cut('/data/node.properties', 3)).toBe(true);
    quorum.start(node);
    quorum.until(() => node.started !== null, 'it answers');
    const error = node.started?.ok === false ? node.started.error : null;
    expect(error?.message).toContain('node.properties');
  });

  it('tell people what the log holds, batch by batch', () => {
    const { quorum, node } = lonely(7, 0);
    const { logStartOffset, appliedOffset } = node.status();
    let next = logStartOffset;
    let records = 0;
    for (let pages = 0; next < appliedOffset && pages < 1_000; pages++) {
      const found: unknown[] = [];
      const from = offset(next);
      node.running.readLog?.({ from, maxRecords: 50 }, (slice) => {
        found.push(slice);
        if (!slice.ok) throw new Error(slice.error.message);
        expect(slice.value.batches[0]?.baseOffset).toBe(from);
        for (const batch of slice.value.batches) records += batch.records.length;
        next = slice.value.nextOffset;
      });
      quorum.until(() => found.length > 0, 'the log is read');
    }
    expect(next).toBe(appliedOffset);
    expect(records).toBe(appliedOffset - logStartOffset);
  });
});
