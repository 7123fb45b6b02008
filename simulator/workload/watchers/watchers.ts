import type { BatchNode } from '../../batch-history.ts';
import type { SimulatedCluster, SimulatedNode } from '../../cluster.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { World } from '../../world.ts';
import { ModelWatcher, type WatchJudge } from './model-watcher.ts';
import { lastUnsent } from './wanted-records.ts';
import type { PlannedWatcher } from './watcher-plan.ts';

/** The programs that watch. */
export class Watchers {
  readonly judges: WatchJudge[] = [];
  readonly counts = { events: 0, streams: 0, restarts: 0 };
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #watchers: ModelWatcher[] = [];

  constructor(world: World, cluster: SimulatedCluster) {
    this.#world = world;
    this.#cluster = cluster;
  }

  plan(planned: readonly PlannedWatcher[]): void {
    for (const each of planned) {
      const index = this.#watchers.length;
      const process = this.#world.addProcess(`watcher${index + 1}`, { driftPpm: 0, wallOffsetMs: 0 });
      process.begin();
      const watcher = new ModelWatcher({
        world: this.#world,
        cluster: this.#cluster,
        process,
        planned: each,
        judges: this.judges,
        counts: this.counts,
      });
      this.#watchers.push(watcher);
      this.#world.schedule(each.atUs - this.#world.nowUs, eventKinds.client, () => watcher.begin());
    }
  }

  nodeEnded(node: SimulatedNode): void {
    for (const watcher of this.#watchers) watcher.nodeEnded(node);
  }

  /** Once all is healed everybody hears of everything that it has asked for, up to the newest committed batch. */
  whatIsMissing(committed: BatchNode): string | null {
    for (const { planned, position, process } of this.#watchers) {
      if (position === null) return `${process.name} has heard of nothing`;
      const unsent = lastUnsent(committed, position, planned.kinds);
      if (unsent !== null) {
        return `${process.name} has heard of ${position}, and what it asked for stands below ${unsent.endOffset}`;
      }
    }
    return null;
  }
}
