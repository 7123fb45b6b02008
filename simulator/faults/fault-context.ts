import type { SimulatedCluster, SimulatedNode } from '../cluster.ts';
import { eventKinds } from '../../src/testing/world/event-kinds.ts';
import type { ReplicaKey } from '../../src/raft/replica-key.ts';
import type { World } from '../world.ts';
import { type Budget, damagingKinds } from './budget.ts';
import type { FaultKind, FaultOf } from './fault.ts';

/** What a fault needs in order to happen. */
export class FaultContext {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly budget: Budget;
  #isHealed = false;

  constructor(world: World, cluster: SimulatedCluster, budget: Budget) {
    this.world = world;
    this.cluster = cluster;
    this.budget = budget;
  }

  get isHealed(): boolean {
    return this.#isHealed;
  }

  /** From now on nothing fails any more, and what was planned is dropped. */
  heal(): void {
    this.#isHealed = true;
  }

  node(index: number): SimulatedNode | null {
    return this.cluster.nodes[index] ?? null;
  }

  /** The other nodes of a node's cluster. */
  peersOf(node: SimulatedNode): readonly SimulatedNode[] {
    return this.cluster.nodes.filter((peer) => peer !== node);
  }

  /** After the heal nothing is left to be taken back. */
  after(delayUs: number, run: () => void): void {
    this.world.schedule(delayUs, eventKinds.fault, () => {
      if (!this.#isHealed) run();
    });
  }

  /** None before the first commit, because the first start needs all voters (design 7). */
  mayDamage(node: SimulatedNode): boolean {
    const { nodes, observation, smallestVoterSet } = this.cluster;
    if (observation.committed.endOffset === 0) return false;
    const damaged = nodes.filter((other) => isLost(other) || other === node).length;
    return damaged <= this.budget.damagedMax(smallestVoterSet);
  }

  /** A careful operator asks for no set of voters that could not elect a leader. */
  mayHaveVoters(voters: readonly ReplicaKey[]): boolean {
    const lost = this.cluster.nodes.filter((node) => isLost(node) && voters.some(({ id }) => id === node.id));
    return lost.length <= this.budget.damagedMax(voters.length);
  }

  allows(kind: FaultKind, node: SimulatedNode | null): boolean {
    if (!this.budget.kinds.has(kind)) return false;
    if (!damagingKinds.has(kind)) return true;
    if (node === null || !this.mayDamage(node)) return false;
    return kind !== 'wipe' || this.#leavesWitness(node);
  }

  /** When the disks of all founders are empty, nobody can know that there was a cluster, and they found another. */
  #leavesWitness(node: SimulatedNode): boolean {
    return this.cluster.founders.some((founder) => founder !== node && !founder.wasWiped);
  }
}

/** A write that will be misdirected counts from the moment in which that is settled. */
function isLost(node: SimulatedNode): boolean {
  return node.isDamaged || node.disk.misdirectNext !== null;
}

/** Carries a fault out; false when the present state has no room for it. */
export type CarryOut<Kind extends FaultKind> = (context: FaultContext, fault: FaultOf<Kind>) => boolean;
