import { uuidToBytes } from '../base/uuid.ts';
import type { Endpoint, ReplicaKey, VersionRange, Voter } from '../raft/replica-key.ts';
import type { SnapshotId } from '../raft/snapshot-id.ts';
import type { FieldReader } from './field-reader.ts';
import { codecLimits } from './limits.ts';

/** The small values that messages and records share, as positional arrays and back. */

export function packReplica(replica: ReplicaKey): readonly unknown[] {
  return [replica.id, uuidToBytes(replica.directoryId)];
}

export function readReplica(fields: FieldReader): ReplicaKey {
  return { id: fields.nodeId('id'), directoryId: fields.uuid('directory id') };
}

export function packEndpoint(endpoint: Endpoint): readonly unknown[] {
  return [endpoint.host, endpoint.port];
}

export function readEndpoint(fields: FieldReader): Endpoint {
  return { host: fields.text('host', codecLimits.hostCharactersMax), port: fields.integer('port', 0, 65535) };
}

export function packVersions(range: VersionRange): readonly unknown[] {
  return [range.min, range.max];
}

export function readVersions(fields: FieldReader): VersionRange {
  const min = fields.integer('lowest version', 0, 32767);
  const max = fields.integer('highest version', 0, 32767);
  if (max < min) fields.fail('ends before it begins');
  return { min, max };
}

export function packVoter(voter: Voter): readonly unknown[] {
  const versions = packVersions(voter.kraftVersions);
  return [voter.id, uuidToBytes(voter.directoryId), packEndpoint(voter.endpoint), versions];
}

export function readVoter(fields: FieldReader): Voter {
  return {
    ...readReplica(fields),
    endpoint: fields.nested('endpoint', readEndpoint),
    kraftVersions: fields.nested('versions', readVersions),
  };
}

export function packVoters(voters: readonly Voter[]): readonly unknown[] {
  return voters.map(packVoter);
}

/** A voter set: at most `votersMax`, and no id twice. */
export function readVoters(fields: FieldReader, name: string): readonly Voter[] {
  const voters = fields.list(name, codecLimits.votersMax, (list) => list.nested('member', readVoter));
  if (new Set(voters.map((voter) => voter.id)).size < voters.length) fields.fail('names a voter id twice');
  return voters;
}

export function packSnapshotId(snapshotId: SnapshotId): readonly unknown[] {
  return [snapshotId.endOffset, snapshotId.epoch];
}

export function readSnapshotId(fields: FieldReader): SnapshotId {
  return { endOffset: fields.offset('end offset'), epoch: fields.epoch('epoch') };
}
