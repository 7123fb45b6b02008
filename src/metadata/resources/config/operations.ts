import { Type, type Static } from 'typebox';
import { offset, type Offset } from '../../../base/brands.ts';
import { failed, ok, type Result } from '../../../base/result.ts';
import {
  answer,
  closed,
  defineOperation,
  integerToken,
  nothing,
  pageQuery,
  refuse,
  schemas,
  takePage,
} from '../../define-operation.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationError } from '../../operation.ts';
import { everyRole } from '../../roles.ts';
import { elrClearings } from '../topic/elr-clearing.ts';
import { electLeaderless } from '../topic/settling.ts';
import { topicByName } from '../topic/state.ts';
import { uncleanElectionConfig } from '../topic/topic-policy.ts';
import { alterConfigs } from './alter.ts';
import { isSensitive } from './definition.ts';
import { definitionsOf } from './definitions.ts';
import { configRowOf, type ConfigResource, effectiveConfigs } from './effective.ts';
import { configNameLengthMax, configValueLengthMax, resourceTypeName } from './records.ts';
import { configKey } from './resource.ts';

const resourceType = Type.Union([Type.Literal('topic'), Type.Literal('broker')], {
  description: 'topic or broker',
});

const resourceParams = closed({
  resourceType,
  resourceName: Type.String({
    minLength: 1,
    maxLength: limits.topicNameLengthMax,
    description: 'A topic’s name, a broker’s id, or default for what holds for all brokers.',
  }),
});

const configType = Type.Union([
  Type.Literal('boolean'),
  Type.Literal('int'),
  Type.Literal('long'),
  Type.Literal('double'),
  Type.Literal('string'),
  Type.Literal('list'),
  Type.Literal('password'),
]);
const source = Type.Union([
  Type.Literal('topic'),
  Type.Literal('broker'),
  Type.Literal('clusterDefault'),
  Type.Literal('default'),
]);
const nullableText = Type.Union([Type.String(), Type.Null()]);
const configName = Type.String({ minLength: 1, maxLength: configNameLengthMax });

/** How the default of all brokers is called where a name must not be empty. */
const defaultName = 'default';

export const listConfigs = defineOperation({
  operationId: 'listConfigs',
  method: 'GET',
  path: '/configs',
  summary: 'Topics and brokers of which any config is set.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: pageQuery,
  body: nothing,
  response: closed({
    resources: Type.Array(
      closed({
        resourceType,
        resourceName: Type.String(),
        configCount: Type.Integer({ minimum: 1 }),
        lastModified: schemas.offset,
      }),
    ),
    continue: schemas.nextToken,
  }),
  errors: [],
  example: {
    query: { limit: 100 },
    response: {
      resources: [{ resourceType: 'topic', resourceName: 'orders', configCount: 2, lastModified: 52 }],
      continue: null,
    },
  },
  handle: (image, { query }) => {
    const { resources } = image.config;
    const rows = query.continue === undefined ? resources.values() : resources.valuesAfter(query.continue);
    const page = takePage(rows, query, (row) => configKey(row.resourceType, row.resourceName));
    return answer({
      resources: page.rows.map((row) => ({
        resourceType: resourceTypeName(row.resourceType) ?? 'broker',
        resourceName: row.resourceName === '' ? defaultName : row.resourceName,
        configCount: row.configs.length,
        lastModified: row.lastModified,
      })),
      continue: page.continue,
    });
  },
});

export const describeConfig = defineOperation({
  operationId: 'describeConfig',
  method: 'GET',
  path: '/configs/{resourceType}/{resourceName}',
  summary:
    'Every config of a topic, of a broker or of all brokers: the value in force and where it comes from.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: resourceParams,
  query: nothing,
  body: nothing,
  response: closed({
    resourceType,
    resourceName: Type.String(),
    configs: Type.Array(
      closed({
        name: configName,
        type: configType,
        /** Null where nothing is in force, and for what is sensitive. */
        value: nullableText,
        source,
        isSensitive: Type.Boolean(),
      }),
    ),
  }),
  errors: ['INVALID_REQUEST', 'UNKNOWN_TOPIC_OR_PARTITION', 'BROKER_ID_NOT_REGISTERED'],
  example: {
    params: { resourceType: 'topic', resourceName: 'orders' },
    response: {
      resourceType: 'topic',
      resourceName: 'orders',
      configs: [
        { name: 'retention.ms', type: 'long', value: '86400000', source: 'topic', isSensitive: false },
      ],
    },
  },
  handle: (image, { params }) => {
    const found = findResource(image, params);
    if (!found.ok) return found;
    const { resource, modifiedOffset } = found.value;
    const configs = effectiveConfigs(image, resource).map((config) => ({ ...config }));
    return answer({ ...params, configs }, modifiedOffset);
  },
});

export const alterConfig = defineOperation({
  operationId: 'alterConfig',
  method: 'PATCH',
  path: '/configs/{resourceType}/{resourceName}',
  summary: 'Set, delete, append to or subtract from configs of one topic or broker: all of it or nothing.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: resourceParams,
  query: nothing,
  body: closed({
    changes: Type.Array(
      closed({
        name: configName,
        /** Lists alone are appended to and subtracted from. */
        operation: Type.Union([
          Type.Literal('set'),
          Type.Literal('delete'),
          Type.Literal('append'),
          Type.Literal('subtract'),
        ]),
        /** Absent for a deletion. */
        value: Type.Optional(Type.String({ maxLength: configValueLengthMax })),
      }),
      { minItems: 1, maxItems: limits.configsPerResourceMax },
    ),
  }),
  response: closed({
    resourceType,
    resourceName: Type.String(),
    /** How many configs have another value than before. */
    changed: Type.Integer({ minimum: 0 }),
  }),
  errors: [
    'INVALID_REQUEST',
    'INVALID_CONFIG',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'BROKER_ID_NOT_REGISTERED',
    'POLICY_VIOLATION',
  ],
  example: {
    params: { resourceType: 'topic', resourceName: 'orders' },
    body: { changes: [{ name: 'retention.ms', operation: 'set', value: '86400000' }] },
    response: { resourceType: 'topic', resourceName: 'orders', changed: 1 },
  },
  handle: (image, { params, body }) => {
    const found = findResource(image, params);
    if (!found.ok) return found;
    const { resource, modifiedOffset } = found.value;
    const altered = alterConfigs(image, resource, body.changes);
    if (!altered.ok) return altered;
    const { value: changes } = altered;
    const records = [...changes, ...elrClearings(image, changes)];
    const response = { ...params, changed: changes.length };
    const isPolicy = changes.some(({ name }) => name === uncleanElectionConfig);
    return ok({ records, response, modifiedOffset, continueWith: isPolicy ? electLeaderless : null });
  },
});

export const listConfigDefinitions = defineOperation({
  operationId: 'listConfigDefinitions',
  method: 'GET',
  path: '/configs/definitions',
  summary: 'Every config that can be set: its type, default, range and meaning.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: nothing,
  body: nothing,
  response: closed({
    definitions: Type.Array(
      closed({
        resourceType,
        name: configName,
        type: configType,
        defaultValue: nullableText,
        minimum: nullableText,
        maximum: nullableText,
        /** What a text, or each member of a list, may be; null for anything. */
        allowed: Type.Union([Type.Array(Type.String()), Type.Null()]),
        /** The config of brokers that gives the value where the topic has none. */
        brokerName: nullableText,
        isSensitive: Type.Boolean(),
        documentation: Type.String(),
      }),
    ),
  }),
  errors: [],
  example: {
    response: {
      definitions: [
        {
          resourceType: 'topic',
          name: 'retention.ms',
          type: 'long',
          defaultValue: '604800000',
          minimum: '-1',
          maximum: '9223372036854775807',
          allowed: null,
          brokerName: 'log.retention.ms',
          isSensitive: false,
          documentation: 'How long records are kept, in ms; -1 for ever.',
        },
      ],
    },
  },
  handle: () =>
    answer({
      definitions: (['topic', 'broker'] as const).flatMap((type) =>
        definitionsOf[type].map((definition) => ({
          resourceType: type,
          ...definition,
          allowed: definition.allowed === null ? null : [...definition.allowed],
          isSensitive: isSensitive(definition),
        })),
      ),
    }),
});

type FoundResource = {
  readonly resource: ConfigResource;
  /** Of what is set of it; where nothing is, since when that holds of this very topic. */
  readonly modifiedOffset: Offset;
};

/** As Kafka: a topic that exists, a broker that is registered, or all brokers; also whatever has configs still. */
function findResource(
  image: MetadataImage,
  params: Static<typeof resourceParams>,
): Result<FoundResource, OperationError> {
  const { resourceType: type, resourceName: name } = params;
  if (type === 'topic') {
    const topic = topicByName(image.topic, name);
    if (topic === null) return refuse('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${name}.`);
    return ok(found(image, { type, name }, topic.lastModified));
  }
  if (name === defaultName) return ok(found(image, { type, name: '' }, 0));
  const id = integerToken(name);
  if (id === null) return refuse('INVALID_REQUEST', `${name} is no broker’s id, and not ${defaultName}.`);
  const resource = { type, name } as const;
  if (image.broker.brokers.get(id) === null && configRowOf(image, resource) === null) {
    return failed({ code: 'BROKER_ID_NOT_REGISTERED', message: `Broker ${name} is not registered.` });
  }
  return ok(found(image, resource, 0));
}

function found(image: MetadataImage, resource: ConfigResource, otherwise: number): FoundResource {
  const lastModified = configRowOf(image, resource)?.lastModified ?? otherwise;
  return { resource, modifiedOffset: offset(lastModified) };
}

export const operations = { listConfigs, describeConfig, alterConfig, listConfigDefinitions } as const;
