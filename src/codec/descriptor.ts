import { uuidToBytes } from '../base/uuid.ts';
import type { Result } from '../base/result.ts';
import type { BootstrapDescriptor, FoundingLevel } from '../raft/bootstrap/messages.ts';
import type { CodecError } from './codec-error.ts';
import { type EnvelopeKind, unwrapPayload, wrapPayload } from './envelope.ts';
import { FieldReader } from './field-reader.ts';
import { codecLimits } from './limits.ts';
import { packPositional, unpackPositional } from './msgpack.ts';
import { packVoters, readVoters } from './replica-fields.ts';

/** The bootstrap descriptor file (design 7): what this node agreed to, and whether the cluster has started. */
export type StoredDescriptor = { readonly descriptor: BootstrapDescriptor; readonly started: boolean };

const kind: EnvelopeKind = { what: 'bootstrap descriptor', magic: 0x4f544244, version: 1 };

export function packDescriptor({
  clusterId,
  voters,
  featureLevels,
}: BootstrapDescriptor): readonly unknown[] {
  const levels = featureLevels.map(({ name, level }) => [name, level]);
  return [uuidToBytes(clusterId), packVoters(voters), ...(levels.length === 0 ? [] : [levels])];
}

export function readDescriptor(fields: FieldReader): BootstrapDescriptor {
  return {
    clusterId: fields.uuid('cluster id'),
    voters: readVoters(fields, 'voters'),
    featureLevels: fields.ifPresent([], () => readNamedList(fields, 'feature levels', readFoundingLevel)),
  };
}

function readFoundingLevel(fields: FieldReader): FoundingLevel {
  return {
    name: fields.text('name', codecLimits.featureNameCharactersMax),
    level: fields.integer('level', 0, 32767),
  };
}

/** A list of features: at most `featuresMax`, and none of them twice. */
export function readNamedList<Value extends { readonly name: string }>(
  fields: FieldReader,
  what: string,
  read: (element: FieldReader) => Value,
): readonly Value[] {
  const values = fields.list(what, codecLimits.featuresMax, (list) => list.nested('member', read));
  if (new Set(values.map(({ name }) => name)).size < values.length) fields.fail('names a feature twice');
  return values;
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
