import type { NodeId } from '../../base/brands.ts';
import { type ReplicaKey, sameReplica } from '../replica-key.ts';
import type { BootstrapDescriptor } from './messages.ts';

export function voterIds(descriptor: BootstrapDescriptor): readonly NodeId[] {
  return descriptor.voters.map((voter) => voter.id);
}

export function sameIds(left: readonly NodeId[], right: readonly NodeId[]): boolean {
  return left.length === right.length && left.every((id) => right.includes(id));
}

export function holdsReplica(descriptor: BootstrapDescriptor, replica: ReplicaKey): boolean {
  return descriptor.voters.some((voter) => sameReplica(voter, replica));
}

/** A cluster id is random and made once for each descriptor; the voters are compared all the same. */
export function sameDescriptor(left: BootstrapDescriptor, right: BootstrapDescriptor): boolean {
  if (left.clusterId !== right.clusterId) return false;
  return (
    left.voters.length === right.voters.length && right.voters.every((voter) => holdsReplica(left, voter))
  );
}

/** The lowest id proposes, and nobody else. */
export function isProposerOf(descriptor: BootstrapDescriptor, replica: ReplicaKey): boolean {
  return holdsReplica(descriptor, replica) && voterIds(descriptor).every((id) => id >= replica.id);
}
