import type { Result } from '../base/result.ts';
import type { Voter } from '../raft/replica-key.ts';
import type { SnapshotId } from '../raft/snapshot-id.ts';
import type { CodecError } from './codec-error.ts';
import { type EnvelopeKind, unwrapPayload, wrapPayload } from './envelope.ts';
import { FieldReader } from './field-reader.ts';
import { packPositional, unpackPositional } from './msgpack.ts';
import { packSnapshotId, packVoters, readSnapshotId, readVoters } from './replica-fields.ts';

/**
 * What makes a set of pages a checkpoint (design 18): where in the log it stands, and the root by which
 * its pages are verified. It is the last entry of a snapshot on its way to a follower, too.
 */
export type CheckpointManifest = {
  readonly snapshotId: SnapshotId;
  /** Chain CRC of the log before the snapshot's end, so that the log can go on from there. */
  readonly chainCrc: number;
  /** Append timestamp of the last batch in it, ms since 1970. */
  readonly timestampMs: number;
  readonly kraftVersion: number;
  /** The committed voter set at the snapshot's end. */
  readonly voters: readonly Voter[];
  readonly pageCount: number;
  /** Root over all pages; `imageFromPages` verifies it. */
  readonly root: string;
};

const kind: EnvelopeKind = { what: 'checkpoint manifest', magic: 0x4f54434d, version: 1 };
const rootCharactersMax = 128;

export function encodeCheckpointManifest(manifest: CheckpointManifest): Uint8Array {
  return wrapPayload(
    kind,
    packPositional([
      packSnapshotId(manifest.snapshotId),
      manifest.chainCrc,
      manifest.timestampMs,
      manifest.kraftVersion,
      packVoters(manifest.voters),
      manifest.pageCount,
      manifest.root,
    ]),
  );
}

export function decodeCheckpointManifest(bytes: Uint8Array): Result<CheckpointManifest, CodecError> {
  const payload = unwrapPayload(kind, bytes);
  if (!payload.ok) return payload;
  const unpacked = unpackPositional(payload.value);
  if (!unpacked.ok) return unpacked;
  const fields = new FieldReader(unpacked.value, kind.what);
  return fields.finish({
    snapshotId: fields.nested('snapshot id', readSnapshotId),
    chainCrc: fields.uint32('chain CRC'),
    timestampMs: fields.count('timestamp'),
    kraftVersion: fields.integer('KRaft version', 0, 32767),
    voters: readVoters(fields, 'voters'),
    pageCount: fields.count('page count'),
    root: fields.text('root', rootCharactersMax),
  });
}
