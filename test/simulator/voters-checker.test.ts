import { describe, expect, it } from 'vitest';
import { offset } from '../../src/base/brands.ts';
import type { Effect } from '../../src/raft/effects.ts';
import type { Input } from '../../src/raft/inputs.ts';
import type { Voter } from '../../src/raft/replica-key.ts';
import type { BatchNode } from '../../simulator/batch-history.ts';
import { votersAreThoseOfTheLog } from '../../simulator/invariants/voters-are-those-of-the-log.ts';
import type { Checker, ObservedNode } from '../../simulator/observation.ts';
import { roleView, Scene, voter, voters } from './checker-scene.ts';

const two = [voter(1), voter(2)];
const three = [voter(1), voter(2), voter(3)];
const wake: Input = { type: 'wake', nowMs: 1, stalledMs: 0 };
const installed = { type: 'snapshotInstalled' } as Input;
const install = { type: 'installSnapshot' } as Effect;

/** A cluster whose log brings two voters, and then a third. */
function twoThenThree() {
  const scene = new Scene();
  const checker = votersAreThoseOfTheLog(scene.cluster);
  const node = { ...scene.node(1), unsettled: [], view: null };
  const first = voters(scene, scene.cluster.history.root, 1, two);
  return { scene, checker, node, first, second: voters(scene, first, 1, three) };
}

/** After an event in which the core took `input`, the node's log ends with `tip`, and it has the voters `told`. */
function look(
  { scene, checker, node }: { scene: Scene; checker: Checker; node: ObservedNode },
  tip: BatchNode,
  told: readonly Voter[],
  { input = wake, effects = [] }: { input?: Input; effects?: readonly Effect[] } = {},
): string | null {
  const end = tip.endOffset;
  const view = roleView('follower', 1, {
    voters: told,
    logEndOffset: end,
    flushedOffset: offset(0),
    latestSnapshot: null,
    chainCrcAt: () => tip.chainCrc,
  });
  node.view = view;
  node.tip = tip;
  node.durableTip = scene.cluster.history.root;
  return scene.verdict(() => {
    checker.onEffects?.(node, input, effects);
    checker.afterAnyEvent?.(node, view);
  });
}

describe('the checker of the voters by the log', () => {
  it('lets a node follow the set that its log holds last, and the one before once that is truncated', () => {
    const scene = twoThenThree();
    expect(look(scene, scene.first, two)).toBeNull();
    expect(look(scene, scene.second, three)).toBeNull();
    expect(look(scene, scene.first, two)).toBeNull();
  });

  it('takes a set that was appended and is not followed for a violation', () => {
    const scene = twoThenThree();
    expect(look(scene, scene.second, two)).toMatch('the voters are those of the log');
  });

  it('takes a set that was truncated and is still followed for a violation', () => {
    const scene = twoThenThree();
    expect(look(scene, scene.second, three)).toBeNull();
    expect(look(scene, scene.first, three)).toMatch('the voters are those of the log');
  });

  it('takes a voter with another disk than the log names for a violation', () => {
    const scene = twoThenThree();
    expect(look(scene, scene.first, [voter(1), voter(2, 3)])).toMatch('the voters are those of the log');
  });

  it('waits with its judgement of a snapshot until the core knows that it is installed', () => {
    const scene = twoThenThree();
    expect(look(scene, scene.first, two, { effects: [install] })).toBeNull();
    expect(look(scene, scene.second, two)).toBeNull();
    expect(look(scene, scene.second, two, { input: installed })).toMatch('the voters are those of the log');
  });

  it('judges a node that was started in the middle of an installation', () => {
    const scene = twoThenThree();
    expect(look(scene, scene.first, two, { effects: [install] })).toBeNull();
    scene.checker.afterBoot?.(scene.node, scene.first);
    expect(look(scene, scene.second, two)).toMatch('the voters are those of the log');
  });
});
