import type { Result } from '../base/result.ts';
import type { PeerMessage } from './peer-message-types.ts';
import type { Message } from '../raft/messages.ts';
import { packBootstrapMessage, readBootstrapMessage } from './bootstrap-message.ts';
import { malformed, unsupportedVersion, type CodecError } from './codec-error.ts';
import { FieldReader } from './field-reader.ts';
import { packForwardMessage, readForwardMessage } from './forward-message.ts';
import { codecLimits } from './limits.ts';
import { packPositional, unpackPositional } from './msgpack.ts';
import { packFetchMessage, readFetchMessage } from './fetch-message.ts';
import { packElectionMessage, readElectionMessage } from './election-message.ts';

/**
 * What one controller says to another, as bytes: one byte of format version, then a positional msgpack
 * array `[type id, ...fields]`. A type id is never used again for another message.
 */
export const peerMessageVersion = 1;

const typeIds = {
  voteRequest: 1,
  voteResponse: 2,
  beginQuorumEpochRequest: 3,
  beginQuorumEpochResponse: 4,
  endQuorumEpochRequest: 5,
  endQuorumEpochResponse: 6,
  fetchRequest: 7,
  fetchResponse: 8,
  fetchSnapshotRequest: 9,
  fetchSnapshotResponse: 10,
  bootstrapHello: 32,
  bootstrapPropose: 33,
  bootstrapAccepted: 34,
  bootstrapStart: 35,
  forwardRequest: 64,
  forwardResponse: 65,
} as const satisfies Record<PeerMessage['message']['type'], number>;

type TypeName = keyof typeof typeIds;

const namesById: ReadonlyMap<number, TypeName> = new Map(
  Object.entries(typeIds).map(([name, id]) => [id, name as TypeName]),
);

/** Encodes a message. The batches of a fetch answer must be encoded ones; they travel as they are. */
export function encodePeerMessage(peerMessage: PeerMessage): Uint8Array {
  const packed = packPositional([typeIds[peerMessage.message.type], ...packFields(peerMessage)]);
  const bytes = Buffer.allocUnsafe(packed.length + 1);
  bytes[0] = peerMessageVersion;
  bytes.set(packed, 1);
  return bytes;
}

function packFields(peerMessage: PeerMessage): readonly unknown[] {
  switch (peerMessage.channel) {
    case 'raft':
      return packRaftFields(peerMessage.message);
    case 'bootstrap':
      return packBootstrapMessage(peerMessage.message);
    case 'forward':
      return packForwardMessage(peerMessage.message);
  }
}

function packRaftFields(message: Message): readonly unknown[] {
  switch (message.type) {
    case 'fetchRequest':
    case 'fetchResponse':
    case 'fetchSnapshotRequest':
    case 'fetchSnapshotResponse':
      return packFetchMessage(message);
    default:
      return packElectionMessage(message);
  }
}

/**
 * Decodes what a peer sent, and checks each field's type and range, every batch and every CRC. Arrays of
 * bytes in the result are views into `bytes`, which must not change afterwards. Never throws.
 */
export function decodePeerMessage(bytes: Uint8Array): Result<PeerMessage, CodecError> {
  if (bytes.length > codecLimits.peerMessageBytesMax) return malformed(`a message of ${bytes.length} bytes`);
  const found = bytes[0];
  if (found === undefined) return malformed('an empty message');
  if (found !== peerMessageVersion) return unsupportedVersion('peer message', found, peerMessageVersion);
  const unpacked = unpackPositional(bytes.subarray(1));
  if (!unpacked.ok) return unpacked;
  const value = unpacked.value;
  const typeId: unknown = Array.isArray(value) ? value[0] : undefined;
  const name = typeof typeId === 'number' ? namesById.get(typeId) : undefined;
  if (name === undefined) return malformed('a message of unknown type');
  const fields = new FieldReader(value, name);
  fields.uint32('type');
  return fields.finish(readFields(fields, name));
}

function readFields(fields: FieldReader, name: TypeName): PeerMessage {
  switch (name) {
    case 'fetchRequest':
    case 'fetchResponse':
    case 'fetchSnapshotRequest':
    case 'fetchSnapshotResponse':
      return { channel: 'raft', message: readFetchMessage(fields, name) };
    case 'bootstrapHello':
    case 'bootstrapPropose':
    case 'bootstrapAccepted':
    case 'bootstrapStart':
      return { channel: 'bootstrap', message: readBootstrapMessage(fields, name) };
    case 'forwardRequest':
    case 'forwardResponse':
      return { channel: 'forward', message: readForwardMessage(fields, name) };
    default:
      return { channel: 'raft', message: readElectionMessage(fields, name) };
  }
}
