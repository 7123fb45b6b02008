import { describe, expect, it } from 'vitest';
import { TestQuorum } from './support/quorum.ts';
import type { HostedNode } from '../../src/testing/hosted-node.ts';

function quorumStateFiles(node: HostedNode): ReadonlyMap<string, Uint8Array> {
  const paths = node.disk.paths().filter((path) => path.includes('quorum-state'));
  return new Map(paths.map((path) => [path, node.disk.bytes(path) ?? new Uint8Array(0)]));
}

/** Puts older copies in the place of a node's files, as a restored backup would. */
function restore(node: HostedNode, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, bytes] of files) {
    for (const [position, byte] of (node.disk.bytes(path) ?? new Uint8Array(0)).entries()) {
      const mask = byte ^ (bytes[position] ?? 0);
      if (mask !== 0) node.disk.corrupt(path, position, mask);
    }
  }
}

describe('a voter whose quorum state is older than its log', () => {
  it('has forgotten a vote: it starts under another directory id, observes, and stays so', () => {
    const quorum = TestQuorum.serving({ seed: 91 });
    quorum.settle();
    const [stale] = quorum.followers();
    if (stale === undefined) throw new Error('no follower');
    const { directoryId } = stale.status();
    const old = quorumStateFiles(stale);
    quorum.kill(quorum.leader());
    quorum.call(quorum.leader(), 'openSession');
    for (const node of quorum.nodes) if (node.node === null) quorum.start(node);
    quorum.settle();
    quorum.kill(stale);
    restore(stale, old);
    quorum.start(stale);
    quorum.until(() => stale.started !== null, 'it starts');
    quorum.settle();
    expect(stale.fatal).toBeNull();
    expect(stale.status()).toMatchObject({ isObserver: true, role: 'follower' });
    expect(stale.status().directoryId).not.toBe(directoryId);
    expect(stale.logged.some((line) => line.startsWith('quorum-state-stale'))).toBe(true);
    const second = stale.status().directoryId;
    quorum.kill(stale);
    quorum.start(stale);
    quorum.settle();
    expect(stale.status()).toMatchObject({ isObserver: true, directoryId: second });
  });
});
