import { uuidToBytes } from '../base/uuid.ts';
import type { Result } from '../base/result.ts';
import type { BootstrapDescriptor } from '../raft/bootstrap/messages.ts';
import type { CodecError } from './codec-error.ts';
import { type EnvelopeKind, unwrapPayload, wrapPayload } from './envelope.ts';
import { FieldReader } from './field-reader.ts';
import { packPositional, unpackPositional } from './msgpack.ts';
import { packVoters, readVoters } from './replica-fields.ts';

/** The bootstrap descriptor file (design 7): what this node agreed to, and whether the cluster has started. */
export type StoredDescriptor = { readonly descriptor: BootstrapDescriptor; readonly started: boolean };

const kind: EnvelopeKind = { what: 'bootstrap descriptor', magic: 0x4f544244, version: 1 };

export function packDescriptor(descriptor: BootstrapDescriptor): readonly unknown[] {
  return [uuidToBytes(descriptor.clusterId), packVoters(descriptor.voters)];
}

export function readDescriptor(fields: FieldReader): BootstrapDescriptor {
  return { clusterId: fields.uuid('cluster id'), voters: readVoters(fields, 'voters') };
}

export function encodeDescriptor(stored: StoredDescriptor): Uint8Array {
  return wrapPayload(kind, packPositional([stored.started, packDescriptor(stored.descriptor)]));
}

export function decodeDescriptor(bytes: Uint8Array): Result<StoredDescriptor, CodecError> {
  const payload = unwrapPayload(kind, bytes);
  if (!payload.ok) return payload;
  const unpacked = unpackPositional(payload.value);
  if (!unpacked.ok) return unpacked;
  const fields = new FieldReader(unpacked.value, kind.what);
  const started = fields.boolean('started flag');
  const descriptor = fields.nested('content', readDescriptor);
  return fields.finish({ started, descriptor });
}
