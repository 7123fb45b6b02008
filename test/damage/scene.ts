import { join } from 'node:path';
import type { Offset } from '../../src/base/brands.ts';
import type { ControllerSettings } from '../../src/runtime/node-options.ts';
import { NotYet } from '../../bench/processes/wait.ts';
import { assert } from '../../src/base/assert.ts';
import { copyOf, type DirectoryCopy } from './directory-copy.ts';
import type { RealNode } from './real-node.ts';
import { brokersOf, quickSettings, recordsOf, Trio } from './trio.ts';

/**
 * What three killed nodes left on disk. Two of them hold records that the third has never seen, so the
 * damaged one of the two decides, beside the third, whether acknowledged records are lost.
 */
export type Scene = {
  readonly settings: ControllerSettings;
  /** By the node's number. */
  readonly copies: readonly DirectoryCopy[];
  /** Numbers of the nodes; `damaged` and `whole` hold every acknowledged record, `behind` does not. */
  readonly damaged: number;
  readonly behind: number;
  readonly whole: number;
  /** Up to where the log was acknowledged. */
  readonly acknowledged: Offset;
  /** Where the damaged node's log begins. */
  readonly logStart: Offset;
  /** What is acknowledged: the records of the log, as far as it is kept, and what they have led to. */
  readonly records: ReadonlyMap<number, string>;
  readonly brokers: readonly string[];
};

export type SceneOptions = {
  readonly settings?: Partial<ControllerSettings>;
  readonly early?: number;
  readonly late?: number;
  /** The damaged node has a checkpoint in force before it is killed. */
  readonly withCheckpoint?: boolean;
};

async function checkpointed(trio: Trio, node: RealNode): Promise<void> {
  await trio.until('a checkpoint is in force', () => {
    const { latestSnapshotOffset } = node.status();
    return latestSnapshotOffset === null ? new NotYet('there is none') : true;
  });
}

export async function setScene(folder: string, options: SceneOptions = {}): Promise<Scene> {
  const { early = 6, late = 9 } = options;
  const settings = { ...quickSettings, ...options.settings };
  const trio = await Trio.prepare(join(folder, 'scene'), settings);
  try {
    for (const node of trio.nodes) node.start();
    let brokerId = 0;
    let acknowledged = await trio.register(++brokerId);
    while (brokerId < early) acknowledged = await trio.register(++brokerId);
    await trio.applied(acknowledged);
    const leader = await trio.leader();
    const [damaged, behind] = trio.nodes.filter((node) => node !== leader);
    assert(damaged !== undefined && behind !== undefined, 'three nodes run');
    await behind.kill();
    while (brokerId < early + late) acknowledged = await trio.register(++brokerId);
    await trio.applied(acknowledged);
    if (options.withCheckpoint === true) await checkpointed(trio, damaged);
    const { logStartOffset } = damaged.status();
    const records = await recordsOf(leader, acknowledged);
    const brokers = brokersOf(leader);
    await trio.killAll();
    // A database without a checkpoint has nothing to put back.
    const folders = options.withCheckpoint === true ? ['metadata', 'checkpoints'] : ['metadata'];
    const copies = trio.nodes.map(({ directory }) => copyOf(directory, folders));
    const numbers = { damaged: damaged.id, behind: behind.id, whole: leader.id };
    return { settings, copies, ...numbers, acknowledged, logStart: logStartOffset, records, brokers };
  } finally {
    await trio.close();
  }
}
