import type { NodeId, Uuid } from '../base/brands.ts';

/**
 * Who a replica is: its id and the disk it stands on (KIP-853). A controller that lost its disk
 * comes back with a new directory id, and is then a stranger to the voter set that knew the old one.
 */
export type ReplicaKey = { readonly id: NodeId; readonly directoryId: Uuid };

export function sameReplica(left: ReplicaKey, right: ReplicaKey): boolean {
  return left.id === right.id && left.directoryId === right.directoryId;
}

/** A host and port at which a controller's peers reach it. */
export type Endpoint = { readonly host: string; readonly port: number };

/** The versions of the Raft protocol, of records and so on that one node understands; inclusive. */
export type VersionRange = { readonly min: number; readonly max: number };

/** One member of a voter set, as `KRaftVoters` records hold it (KIP-853). */
export type Voter = ReplicaKey & {
  readonly endpoint: Endpoint;
  readonly kraftVersions: VersionRange;
};
