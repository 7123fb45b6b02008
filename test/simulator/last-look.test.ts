import { describe, expect, it } from 'vitest';
import { epoch, offset } from '../../src/base/brands.ts';
import { LastLook } from '../../simulator/last-look.ts';
import type { NodeView } from '../../simulator/observation.ts';

function view(changed: Partial<NodeView> = {}): NodeView {
  const latestSnapshot: NodeView['latestSnapshot'] = null;
  const offsets = { logEndOffset: offset(9), flushedOffset: offset(8), appliedOffset: offset(7) };
  return { ...offsets, latestSnapshot, ...changed } as NodeView;
}

function lookedAt(): LastLook {
  const look = new LastLook();
  look.taken(view());
  return look;
}

describe('the last look at a node', () => {
  it('is outdated before there was one', () => {
    expect(new LastLook().isOutdated(view())).toBe(true);
  });

  it('is not outdated where nothing has changed', () => {
    expect(lookedAt().isOutdated(view())).toBe(false);
  });

  it('is outdated by a step of the core, whatever the step has changed', () => {
    const look = lookedAt();
    look.stepped();
    expect(look.isOutdated(view())).toBe(true);
    look.taken(view());
    expect(look.isOutdated(view())).toBe(false);
  });

  it.each([
    ['its log', { logEndOffset: offset(10) }],
    ['its disk', { flushedOffset: offset(9) }],
    ['its state', { appliedOffset: offset(8) }],
    ['its checkpoint', { latestSnapshot: { endOffset: offset(5), epoch: epoch(1) } }],
  ])('is outdated by a change of %s without a step', (_what, changed) => {
    expect(lookedAt().isOutdated(view(changed))).toBe(true);
  });
});
