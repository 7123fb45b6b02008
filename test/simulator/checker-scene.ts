import { type Epoch, epoch, nodeId, type Uuid, uuid } from '../../src/base/brands.ts';
import type { LogBatch } from '../../src/raft/batch.ts';
import type { ReplicaKey, Voter } from '../../src/raft/replica-key.ts';
import type { BatchNode } from '../../simulator/batch-history.ts';
import { ClusterObservation, type NodeView, type ObservedNode } from '../../simulator/observation.ts';
import { World } from '../../simulator/world.ts';

export const directories: readonly Uuid[] = ['A', 'B', 'C', 'D'].map((letter) =>
  uuid(`${letter.repeat(21)}A`),
);

export function replica(id: number, directory = id): ReplicaKey {
  return { id: nodeId(id), directoryId: directories[directory] ?? uuid('AAAAAAAAAAAAAAAAAAAAAA') };
}

export function voter(id: number, directory = id): Voter {
  const endpoint = { host: 'node', port: 1 };
  return { ...replica(id, directory), endpoint, kraftVersions: { min: 0, max: 1 } };
}

/** A cluster of which a test says what its nodes did. The checkers ask no more of a node than they are given. */
export class Scene {
  readonly cluster: ClusterObservation;
  readonly world = new World({ seed: 1 });

  constructor() {
    this.cluster = new ClusterObservation(this.world, () => {
      throw new Error('no disk is looked at');
    });
  }

  node(id: number): ObservedNode {
    const process = this.world.addProcess(`node${id}`, { driftPpm: 0, wallOffsetMs: 0 });
    const node: Partial<ObservedNode> = {
      id: nodeId(id),
      process,
      key: replica(id),
      tip: this.cluster.history.root,
      wipedDirectories: new Set(),
    };
    return node as ObservedNode;
  }

  /** What a checker says to `act`, or null. */
  verdict(act: () => void): string | null {
    try {
      act();
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

/** What a node looks like that has this role in this epoch, with a log and voters that nobody asks about. */
export function roleView(role: NodeView['role'], inEpoch: number, more: Partial<NodeView> = {}): NodeView {
  return { role, epoch: epoch(inEpoch), voters: [voter(1), voter(2), voter(3)], ...more } as NodeView;
}

/** Appends a batch that brings a voter set. */
export function voters(scene: Scene, parent: BatchNode, inEpoch: number, set: readonly Voter[]): BatchNode {
  const batch: LogBatch = {
    kind: 'control',
    baseOffset: parent.endOffset,
    epoch: inEpoch as Epoch,
    recordCount: 1,
    appendTimestampMs: 0,
    sizeInBytes: 1,
    records: [{ type: 'KRaftVoters', voters: set }],
    body: { form: 'none' },
  };
  return scene.cluster.history.extend(parent, batch, parent.endOffset + 1, (message) => {
    throw new Error(message);
  });
}
