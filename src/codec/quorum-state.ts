import { assert } from '../base/assert.ts';
import { isEpoch, isNodeId, type NodeId } from '../base/brands.ts';
import { ok, type Result } from '../base/result.ts';
import { uuidFromBytes, uuidToBytes, zeroUuid } from '../base/uuid.ts';
import type { QuorumState } from '../raft/quorum-state.ts';
import type { ReplicaKey } from '../raft/replica-key.ts';
import { type CodecError, malformed, unsupportedVersion } from './codec-error.ts';
import { crcOf } from './crc.ts';
import { readInt64, viewOf, writeInt64 } from './int64.ts';

/**
 * One copy of the quorum state: exactly one disk sector, so that a crash leaves it old or new. Big-endian:
 *
 * | at | size | field |
 * |----|------|-------|
 * | 0  | 4    | magic, "OTQS" |
 * | 4  | 2    | format version, 1 |
 * | 6  | 1    | bit 0: a vote was cast; bit 1: recovering |
 * | 7  | 1    | zero |
 * | 8  | 8    | sequence: the copy with the higher one is newer |
 * | 16 | 4    | epoch |
 * | 20 | 4    | leader id, -1 for none |
 * | 24 | 4    | id voted for, -1 for none |
 * | 28 | 16   | directory id voted for, zeros for none |
 * | 44 | 4    | CRC-32 of bytes 0–43 |
 * | 48 | 464  | zeros |
 */
export const quorumStateBytes = 512;
const magic = 0x4f545153;
const version = 1;
const crcPosition = 44;

export type QuorumStateCopy = { readonly sequence: number; readonly state: QuorumState };

export function encodeQuorumState(copy: QuorumStateCopy): Uint8Array {
  const { state } = copy;
  assert(Number.isSafeInteger(copy.sequence), `not a sequence: ${copy.sequence}`);
  assert(copy.sequence >= 0, `a sequence is never negative: ${copy.sequence}`);
  assert(isEpoch(state.epoch), `not an epoch: ${String(state.epoch)}`);
  const bytes = new Uint8Array(quorumStateBytes);
  const view = viewOf(bytes);
  view.setUint32(0, magic);
  view.setUint16(4, version);
  view.setUint8(6, (state.voted === null ? 0 : 1) | (state.recovering ? 2 : 0));
  writeInt64(view, 8, copy.sequence);
  view.setInt32(16, state.epoch);
  view.setInt32(20, state.leaderId ?? -1);
  view.setInt32(24, state.voted?.id ?? -1);
  bytes.set(uuidToBytes(state.voted?.directoryId ?? zeroUuid), 28);
  view.setUint32(crcPosition, crcOf(bytes.subarray(0, crcPosition)));
  return bytes;
}

/** Decodes one copy. Its CRC is believed first: a version is named only when the bytes are whole. Never throws. */
export function decodeQuorumState(bytes: Uint8Array): Result<QuorumStateCopy, CodecError> {
  if (bytes.length !== quorumStateBytes) return malformed(`a quorum state of ${bytes.length} bytes`);
  const view = viewOf(bytes);
  if (view.getUint32(0) !== magic) return malformed('a quorum state does not begin with its magic');
  const crc = crcOf(bytes.subarray(0, crcPosition));
  if (view.getUint32(crcPosition) !== crc) return malformed('a quorum state fails its CRC');
  const found = view.getUint16(4);
  if (found !== version) return unsupportedVersion('quorum state', found, version);
  if (bytes.subarray(crcPosition + 4).some((byte) => byte !== 0))
    return malformed('a quorum state has a tail');
  return decodeFields(bytes, view);
}

function decodeFields(bytes: Uint8Array, view: DataView): Result<QuorumStateCopy, CodecError> {
  const flags = view.getUint8(6);
  const sequence = readInt64(view, 8);
  const epoch = view.getInt32(16);
  const leaderId = nodeIdOrNull(view.getInt32(20));
  const votedId = nodeIdOrNull(view.getInt32(24));
  if (flags > 3 || view.getUint8(7) !== 0) return malformed('a quorum state has unknown flags');
  if (sequence === null) return malformed('a quorum state has a bad sequence');
  if (!isEpoch(epoch)) return malformed('a quorum state has a bad epoch');
  if (leaderId === undefined) return malformed('a quorum state has a bad leader id');
  if (votedId === undefined) return malformed('a quorum state has a bad vote');
  const hasVoted = (flags & 1) === 1;
  if (hasVoted !== (votedId !== null)) return malformed('a quorum state contradicts itself on its vote');
  const directoryId = uuidFromBytes(bytes.subarray(28, 44));
  // Written for none, and the only form there is: half a vote is no vote that anybody wrote.
  if (!hasVoted && directoryId !== zeroUuid) return malformed('a quorum state names half a vote');
  const voted: ReplicaKey | null = votedId === null ? null : { id: votedId, directoryId };
  return ok({ sequence, state: { epoch, leaderId, voted, recovering: (flags & 2) === 2 } });
}

/** -1 is none; undefined is no id at all. */
function nodeIdOrNull(value: number): NodeId | null | undefined {
  if (value === -1) return null;
  return isNodeId(value) ? value : undefined;
}
