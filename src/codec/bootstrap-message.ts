import type { BootstrapMessage, FeatureRange } from '../raft/bootstrap/messages.ts';
import { packDescriptor, readDescriptor, readNamedList } from './descriptor.ts';
import type { FieldReader } from './field-reader.ts';
import { codecLimits } from './limits.ts';
import {
  packEndpoint,
  packReplica,
  packVersions,
  readEndpoint,
  readReplica,
  readVersions,
} from './replica-fields.ts';

export function packBootstrapMessage(message: BootstrapMessage): readonly unknown[] {
  switch (message.type) {
    case 'bootstrapHello':
      return [
        packReplica(message.replica),
        packEndpoint(message.endpoint),
        packVersions(message.kraftVersions),
        message.configuredVoterIds,
        message.state,
        message.descriptor === null ? null : packDescriptor(message.descriptor),
        ...(message.features.length === 0 ? [] : [message.features.map(packFeatureRange)]),
      ];
    case 'bootstrapAccepted':
      return [packReplica(message.replica), packDescriptor(message.descriptor)];
    case 'bootstrapPropose':
    case 'bootstrapStart':
      return [packDescriptor(message.descriptor)];
  }
}

export function readBootstrapMessage(fields: FieldReader, type: BootstrapMessage['type']): BootstrapMessage {
  switch (type) {
    case 'bootstrapHello':
      return {
        type,
        replica: fields.nested('replica', readReplica),
        endpoint: fields.nested('endpoint', readEndpoint),
        kraftVersions: fields.nested('versions', readVersions),
        configuredVoterIds: fields.list('voter ids', codecLimits.votersMax, (list) =>
          list.nodeId('voter id'),
        ),
        state: fields.oneOf('state', ['unformatted', 'formatted', 'started']),
        descriptor: fields.orNull(() => fields.nested('descriptor', readDescriptor)),
        features: fields.ifPresent([], () => readNamedList(fields, 'features', readFeatureRange)),
      };
    case 'bootstrapAccepted': {
      const replica = fields.nested('replica', readReplica);
      return { type, replica, descriptor: fields.nested('descriptor', readDescriptor) };
    }
    case 'bootstrapPropose':
    case 'bootstrapStart':
      return { type, descriptor: fields.nested('descriptor', readDescriptor) };
  }
}

function packFeatureRange({ name, min, max }: FeatureRange): readonly unknown[] {
  return [name, packVersions({ min, max })];
}

function readFeatureRange(fields: FieldReader): FeatureRange {
  const name = fields.text('name', codecLimits.featureNameCharactersMax);
  return { name, ...fields.nested('versions', readVersions) };
}
