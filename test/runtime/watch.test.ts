import { describe, expect, it } from 'vitest';
import { offset } from '../../src/base/brands.ts';
import { imageDigest } from '../../src/metadata/image.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import type { ControllerNode } from '../../src/runtime/controller-node.ts';
import { TestQuorum } from './support/quorum.ts';
import type { HostedNode } from '../../src/testing/hosted-node.ts';
import { gaplessFrom, RecordedWatch } from './support/watch.ts';

function watch(
  node: HostedNode,
  request: ConstructorParameters<typeof RecordedWatch>[1] = {},
): RecordedWatch {
  const open: NonNullable<ControllerNode['openWatch']> = (asked, listener) => {
    const handle = node.running.openWatch?.(asked, listener);
    if (handle === undefined) throw new Error('the node offers no watch');
    return handle;
  };
  return new RecordedWatch(open, request);
}

function openSessions(quorum: TestQuorum, count: number): void {
  for (let at = 0; at < count; at++) quorum.call(quorum.leader(), 'openSession', {});
}

function digestOf(image: MetadataImage | null | undefined): string | null {
  return image === null || image === undefined ? null : imageDigest(image);
}

describe('a watch of a quorum', () => {
  it('shows the same on leader and follower, and the state that they have', () => {
    const quorum = TestQuorum.serving();
    openSessions(quorum, 3);
    quorum.settle();
    const watches = quorum.nodes.map((node) => watch(node));
    const whole = quorum.nodes.map((node) => watch(node, { since: offset(0) }));
    quorum.run(50);
    openSessions(quorum, 5);
    quorum.settle();
    quorum.run(50);
    const leader = quorum.leader().running.image();
    for (const each of watches) {
      expect(each.position).toBe(leader?.endOffset);
      expect(digestOf(each.image().image)).toBe(digestOf(leader));
      expect(gaplessFrom(each.deltas)).toBe(true);
    }
    const [first] = whole;
    expect(first?.deltas[0]?.baseOffset).toBe(0);
    for (const each of whole) expect(each.deltas).toEqual(first?.deltas);
  });

  it('goes on at another node where the first one stopped, without a gap and without a record twice', () => {
    const quorum = TestQuorum.serving();
    const leader = quorum.leader();
    const before = watch(leader, { since: offset(0) });
    openSessions(quorum, 3);
    quorum.stop(leader);
    const { end } = before;
    expect(end).toMatchObject({ code: 'NOT_CONTROLLER', position: before.position });
    const after = watch(quorum.leader(), { since: end?.position ?? null });
    openSessions(quorum, 3);
    quorum.run(50);
    expect(gaplessFrom([...before.deltas, ...after.deltas])).toBe(true);
    expect(after.position).toBe(quorum.leader().running.image()?.endOffset);
  });

  it('sends nothing before it is committed', () => {
    const quorum = TestQuorum.serving();
    const leader = quorum.leader();
    quorum.untilRegistered();
    quorum.settle();
    const watching = watch(leader);
    quorum.run(50);
    quorum.isolate(leader);
    // What was committed before, and is on its way to the watcher.
    quorum.run(20);
    const before = [...watching.deltas];
    quorum.submit(leader, 'openSession', {});
    quorum.run(100);
    expect(watching.deltas).toEqual(before);
    expect(leader.status().logEndOffset).toBeGreaterThan(watching.position ?? 0);
  });

  it('ends at a node that took a snapshot in the place of what it had missed', () => {
    const quorum = TestQuorum.serving({ settings: { checkpointBytes: 2_048, logRetentionBytes: 1 } });
    const [follower] = quorum.followers();
    if (follower === undefined) throw new Error('there are followers');
    const watching = watch(follower);
    quorum.run(50);
    const seen = watching.position ?? 0;
    quorum.isolate(follower);
    const leader = (): HostedNode => {
      const found = quorum.nodes.find((node) => node !== follower && node.status().active);
      if (found === undefined) throw new Error('somebody leads');
      return found;
    };
    for (let at = 0; leader().status().logStartOffset <= seen; at++) {
      expect(at).toBeLessThan(3_000);
      for (let more = 0; more < 20; more++) quorum.submit(leader(), 'openSession', {});
      quorum.run(20);
    }
    quorum.rejoin(follower);
    quorum.settle();
    quorum.run(100);
    expect(watching.end).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', position: null });
    expect(watching.position).toBe(seen);
    const again = watch(follower);
    quorum.run(100);
    expect(digestOf(again.image().image)).toBe(digestOf(follower.running.image()));
  });

  it('is refused before the node has joined', () => {
    const quorum = new TestQuorum();
    quorum.start(quorum.node(0));
    const early = watch(quorum.node(0));
    quorum.run(50);
    expect(early.end?.code).toBe('NOT_CONTROLLER');
  });
});
