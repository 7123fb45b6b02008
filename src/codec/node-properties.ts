import type { NodeId, Uuid } from '../base/brands.ts';
import type { Result } from '../base/result.ts';
import { uuidToBytes } from '../base/uuid.ts';
import type { CodecError } from './codec-error.ts';
import { type EnvelopeKind, unwrapPayload, wrapPayload } from './envelope.ts';
import { FieldReader } from './field-reader.ts';
import { packPositional, unpackPositional } from './msgpack.ts';

/** Whose data directory this is (Kafka's meta.properties). */
export type NodeProperties = {
  readonly nodeId: NodeId;
  readonly directoryId: Uuid;
  /** Null until the node knows which cluster it belongs to. */
  readonly clusterId: Uuid | null;
};

/** The envelope's version is the version of the whole directory's layout. */
const kind: EnvelopeKind = { what: 'node properties', magic: 0x4f544e50, version: 1 };

export function encodeNodeProperties(properties: NodeProperties): Uint8Array {
  const clusterId = properties.clusterId === null ? null : uuidToBytes(properties.clusterId);
  return wrapPayload(
    kind,
    packPositional([properties.nodeId, uuidToBytes(properties.directoryId), clusterId]),
  );
}

export function decodeNodeProperties(bytes: Uint8Array): Result<NodeProperties, CodecError> {
  const payload = unwrapPayload(kind, bytes);
  if (!payload.ok) return payload;
  const unpacked = unpackPositional(payload.value);
  if (!unpacked.ok) return unpacked;
  const fields = new FieldReader(unpacked.value, kind.what);
  return fields.finish({
    nodeId: fields.nodeId('node id'),
    directoryId: fields.uuid('directory id'),
    clusterId: fields.orNull(() => fields.uuid('cluster id')),
  });
}
