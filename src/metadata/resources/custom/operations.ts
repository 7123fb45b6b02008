import { type Static, Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { failed, ok, type Result } from '../../../base/result.ts';
import {
  answer,
  closed,
  defineOperation,
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
import { featureOfKind } from './kind.ts';
import { rowsOf } from './rows.ts';
import type { ResourceRow } from './state.ts';
import { findKind, findWritable, judgeValue, type KnownKind } from './writing.ts';

const version = Type.Integer({ minimum: 1, maximum: 32_767 });
const kindName = Type.String({ minLength: 1, maxLength: 64, description: 'The name of the kind.' });
const key = Type.String({ minLength: 1, maxLength: limits.resourceKeyLengthMax, description: 'Its key.' });
const schema = Type.Unknown({ description: 'A JSON schema.' });

const kindResponse = closed({
  name: kindName,
  id: Type.Integer(),
  /** Of the definition that this controller was given. */
  version,
  /** In which version values are written; 0 where the kind is not finalized, and nothing can be written. */
  finalizedVersion: Type.Integer({ minimum: 0 }),
  resourceCount: Type.Integer({ minimum: 0 }),
  keySchema: schema,
  valueSchema: schema,
});

const resourceResponse = closed({
  key,
  /** As it was written, in the version beside it. */
  value: Type.Unknown(),
  version,
  lastModified: schemas.offset,
});

const resourceParams = closed({ kind: kindName, key });
const example = { params: { kind: 'quota', key: 'alice' }, value: { bytesPerSecond: 1_048_576 } } as const;
const resourceExample = {
  key: example.params.key,
  value: example.value,
  version: 1,
  lastModified: 73,
} satisfies Static<typeof resourceResponse>;

export const listResourceKinds = defineOperation({
  operationId: 'listResourceKinds',
  method: 'GET',
  path: '/resources',
  summary: 'Kinds of metadata that were defined for this cluster, with the schemas of their keys and values.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: nothing,
  body: nothing,
  response: closed({ kinds: Type.Array(kindResponse) }),
  errors: [],
  example: {
    response: {
      kinds: [
        {
          name: 'quota',
          id: 10_000,
          version: 1,
          finalizedVersion: 1,
          resourceCount: 1,
          keySchema: { type: 'string' },
          valueSchema: { type: 'object', properties: { bytesPerSecond: { type: 'integer' } } },
        },
      ],
    },
  },
  handle: (image) =>
    answer({ kinds: Array.from(image.registry.kinds.values(), ({ kind }) => viewOfKind(image, kind)) }),
});

export const listResources = defineOperation({
  operationId: 'listResources',
  method: 'GET',
  path: '/resources/{kind}',
  summary: 'Resources of one kind, by key. A page ends before its values come to a mebibyte.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: closed({ kind: kindName }),
  query: pageQuery,
  body: nothing,
  response: closed({ kind: kindName, resources: Type.Array(resourceResponse), continue: schemas.nextToken }),
  errors: ['UNKNOWN_RESOURCE_KIND'],
  example: {
    params: { kind: 'quota' },
    query: { limit: 100 },
    response: { kind: 'quota', resources: [resourceExample], continue: null },
  },
  handle: (image, { params, query }) => {
    const found = findKind(image, params.kind);
    if (!found.ok) return found;
    const { rows } = found.value;
    const after = query.continue;
    const limit = fittingLimit(after === undefined ? rows.values() : rows.valuesAfter(after), query.limit);
    const rest = after === undefined ? rows.values() : rows.valuesAfter(after);
    const page = takePage(rest, { ...query, limit }, (row) => row.key);
    return answer({
      kind: params.kind,
      resources: page.rows.map((row) => viewOf(row)),
      continue: page.continue,
    });
  },
});

export const describeResource = defineOperation({
  operationId: 'describeResource',
  method: 'GET',
  path: '/resources/{kind}/{key}',
  summary: 'One resource of a kind.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: resourceParams,
  query: nothing,
  body: nothing,
  response: resourceResponse,
  errors: ['UNKNOWN_RESOURCE_KIND', 'UNKNOWN_RESOURCE_KEY'],
  example: { params: example.params, response: resourceExample },
  handle: (image, { params }) => {
    const found = findRow(image, params);
    return found.ok ? answer(viewOf(found.value), offset(found.value.lastModified)) : found;
  },
});

export const putResource = defineOperation({
  operationId: 'putResource',
  method: 'PUT',
  path: '/resources/{kind}/{key}',
  summary: 'Write a value under a key, in the place of what stands there.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: resourceParams,
  query: nothing,
  body: closed({
    value: Type.Unknown({ description: 'As the schema of the kind wants it; at most 16,384 characters.' }),
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 32_767,
        description: 'The version of the kind that the value has; the finalized one when absent.',
      }),
    ),
  }),
  response: closed({ kind: kindName, key, version, lastModified: schemas.offset }),
  errors: ['UNKNOWN_RESOURCE_KIND', 'UNSUPPORTED_VERSION', 'INVALID_RESOURCE', 'RESOURCE_TABLE_FULL'],
  example: {
    params: example.params,
    body: { value: example.value },
    response: { ...example.params, version: 1, lastModified: 73 },
  },
  handle: (image, { params, body }, { nextOffset }) => {
    const found = findWritable(image, params.kind, body.version);
    if (!found.ok) return found;
    const { kind, rows, version: writtenIn } = found.value;
    const text = judgeValue(image, found.value, params.key, body.value);
    if (!text.ok) return text;
    const before = rows.get(params.key);
    const modifiedOffset = before === null ? null : offset(before.lastModified);
    const response = { ...params, version: writtenIn };
    if (before?.value === text.value && before.version === writtenIn) {
      return ok({
        records: [],
        response: { ...response, lastModified: offset(before.lastModified) },
        modifiedOffset,
      });
    }
    if (before === null && rows.size >= limits.resourcesPerKindMax) return fullTable(kind.name);
    const fields = { key: params.key, version: writtenIn, value: text.value };
    return ok({
      records: [{ type: featureOfKind(kind.name), ...fields }],
      response: { ...response, lastModified: nextOffset },
      modifiedOffset,
    });
  },
});

export const deleteResource = defineOperation({
  operationId: 'deleteResource',
  method: 'DELETE',
  path: '/resources/{kind}/{key}',
  summary: 'Remove what stands under a key.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: resourceParams,
  query: nothing,
  body: nothing,
  response: nothing,
  errors: ['UNKNOWN_RESOURCE_KIND', 'UNKNOWN_RESOURCE_KEY'],
  example: { params: example.params, response: {} },
  handle: (image, { params }) => {
    const found = findRow(image, params);
    if (!found.ok) return found;
    const { version: writtenIn, lastModified } = found.value;
    return ok({
      records: [{ type: featureOfKind(params.kind), key: params.key, version: writtenIn, value: null }],
      response: {},
      modifiedOffset: offset(lastModified),
    });
  },
});

function viewOfKind(image: MetadataImage, kind: KnownKind['kind']): Static<typeof kindResponse> {
  const { name, id } = kind;
  return {
    name,
    id,
    version: kind.version,
    finalizedVersion: image.feature.finalized.get(featureOfKind(name))?.featureLevel ?? 0,
    resourceCount: rowsOf(image, name)?.size ?? 0,
    keySchema: kind.key ?? { type: 'string' },
    valueSchema: kind.value,
  };
}

function viewOf({ key: itsKey, value, version: writtenIn, lastModified }: ResourceRow) {
  const parsed: unknown = JSON.parse(value);
  return { key: itsKey, value: parsed, version: writtenIn, lastModified: offset(lastModified) };
}

/** How many of the rows one page takes: as many as were asked for, and no more text than an answer should have. */
function fittingLimit(rows: Iterable<ResourceRow>, asked: number = limits.pageRowsDefault): number {
  let count = 0;
  let length = 0;
  for (const { value } of rows) {
    length += value.length;
    if (count >= asked || (count > 0 && length > limits.resourcePageLengthMax)) break;
    count++;
  }
  return Math.max(1, count);
}

function findRow(
  image: MetadataImage,
  params: { readonly kind: string; readonly key: string },
): Result<ResourceRow, OperationError> {
  const found = findKind(image, params.kind);
  if (!found.ok) return found;
  const row = found.value.rows.get(params.key);
  if (row !== null) return ok(row);
  return failed({ code: 'UNKNOWN_RESOURCE_KEY', message: `There is no ${params.kind} ${params.key}.` });
}

function fullTable(kind: string): ReturnType<typeof refuse> {
  const { resourcesPerKindMax: maximum } = limits;
  const message = `There are ${maximum} resources of the kind ${kind}, and there can be no more.`;
  return refuse('RESOURCE_TABLE_FULL', message, { limit: 'resourcesPerKindMax', maximum });
}

export const operations = {
  listResourceKinds,
  listResources,
  describeResource,
  putResource,
  deleteResource,
} as const;
