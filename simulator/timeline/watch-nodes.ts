import type { Checker } from '../observation.ts';
import type { World } from '../world.ts';
import type { TimelineRecorder } from './recorder.ts';

/** Tells a timeline of roles, epochs and commits. It finds nothing wrong. */
export function watchNodes(world: World, recorder: TimelineRecorder): Checker {
  return {
    name: 'timeline',
    source: 'TigerBeetle, a line for each transition',
    afterEvent(node, view) {
      recorder.role(node.process.index, world.nowUs, view.role, view.epoch);
    },
    onCommitted(batch, by) {
      const what = `batch ${batch.baseOffset} to ${batch.endOffset} of epoch ${batch.epoch}`;
      world.mark(by.process, 'commit', () => `is the first to call ${what} committed`);
    },
  };
}
