import { describe, expect, it } from 'vitest';
import { epoch } from '../../src/base/brands.ts';
import type { Voter } from '../../src/raft/replica-key.ts';
import type { BatchNode } from '../../simulator/batch-history.ts';
import { finalizedLevelsAreSupported } from '../../simulator/invariants/finalized-levels-are-supported.ts';
import { onlySupportedVersions } from '../../simulator/invariants/only-supported-versions.ts';
import { MetadataWitness } from '../../simulator/metadata-witness.ts';
import type { NodeView, ObservedNode } from '../../simulator/observation.ts';
import { releases } from '../../simulator/releases.ts';
import { roleView, Scene, voter } from './checker-scene.ts';

type Release = ObservedNode['supported'];

describe('a checker of versions', () => {
  const { newer, oldest }: Readonly<Record<'newer' | 'oldest', Release>> = releases;

  /** The verdict on `metadata.version` 2, finalized where one broker and one controller are registered. */
  function finalized(broker: Release, controller: Release, software: Release = newer): string | null {
    const scene = new Scene();
    const view = roleView('leader', 4, { voters: [voter(1)] });
    scene.cluster.nodes.push({ ...scene.node(1), view, supported: software });
    const witness = new MetadataWitness();
    finalizedLevelsAreSupported(scene.cluster, witness);
    const before = {
      broker: { brokers: new Map([[7, { brokerId: 7, features: broker.features }]]) },
      controller: { controllers: new Map([[1, { controllerId: 1, features: controller.features }]]) },
    };
    const record = { type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 2 };
    return scene.verdict(() => {
      for (const watcher of witness.watchers) watcher.onRecord?.({ record, offset: 5, before } as never);
    });
  }

  it('takes a level for a violation that a broker, a controller or the software of a voter does not support', () => {
    expect(finalized(newer, newer)).toBeNull();
    expect(finalized(oldest, newer)).toMatch('which broker 7 does not support');
    expect(finalized(newer, oldest)).toMatch('which controller 1 does not support');
    expect(finalized(newer, newer, oldest)).toMatch('which the voter node1 does not support');
  });

  it('takes a node for a violation that shows a level, or follows a protocol, which it does not support', () => {
    const scene = new Scene();
    const checker = onlySupportedVersions(scene.cluster);
    const node: ObservedNode = { ...scene.node(1), supported: oldest };
    const level = (featureLevel: number) =>
      ({
        feature: { finalized: new Map([['metadata.version', { name: 'metadata.version', featureLevel }]]) },
      }) as never;
    const look = (kraftVersion: number, image: NodeView['image']) =>
      scene.verdict(() => checker.afterEvent?.(node, roleView('follower', 4, { kraftVersion, image })));
    expect(look(0, level(1))).toBeNull();
    expect(look(0, level(2))).toMatch('shows a state with metadata.version 2');
    expect(look(1, null)).toMatch('follows kraft.version 1');
  });

  it('takes a protocol for a violation that comes without a voter set, or before each voter understands it', () => {
    const scene = new Scene();
    const checker = onlySupportedVersions(scene.cluster);
    const one: ObservedNode = { ...scene.node(1), supported: newer };
    scene.cluster.nodes.push(one);
    const commits = (...controlRecords: BatchNode['controlRecords']) =>
      scene.verdict(() =>
        checker.onCommitted?.({ ...scene.cluster.history.root, controlRecords }, one, epoch(4)),
      );
    const protocol = { type: 'KRaftVersion', kraftVersion: 1 } as const;
    const set = (...understood: readonly Voter[]) => ({ type: 'KRaftVoters', voters: understood }) as const;
    expect(commits(protocol, set(voter(1)))).toBeNull();
    expect(commits(protocol)).toMatch('comes without a voter set');
    expect(commits(protocol, set({ ...voter(1), kraftVersions: { min: 0, max: 0 } }))).toMatch(
      'voter 1, in vain',
    );
    one.supported = oldest;
    expect(commits(protocol, set(voter(1)))).toMatch('voter 1, in vain');
  });
});
