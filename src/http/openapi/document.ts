import type { OperationDescription } from '../../client/protocol/description.ts';
import { jsonContentType } from '../../client/protocol/headers.ts';
import { propertiesOf, requiredNamesOf } from '../../client/protocol/text-fields.ts';
import type { TSchema } from 'typebox';
import { answersNotModified } from '../entity-tags.ts';
import { components, parameterReference, security } from './components.ts';
import { describeRoutes, type DescribedRoute } from './described-routes.ts';
import type { ResourceKind } from '../../metadata/resources/custom/kind.ts';
import { describeKinds } from './resource-kinds.ts';
import { responsesOf } from './responses.ts';

/** An OpenAPI 3.1 document, as plain JSON. */
export type ApiDocument = {
  readonly openapi: '3.1.0';
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: typeof components;
  /** How whoever calls says who it is, by one of these. */
  readonly security: typeof security;
};

export type ApiOperation = {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: Readonly<Record<string, unknown>>;
  readonly responses: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Empty where nobody is asked who it is. */
  readonly security?: readonly [];
  /** The roles that may call it, beside the administrator. */
  readonly 'x-may-call': readonly string[];
};

/** Describes every route of a node that has these operations; nothing in it is written by hand twice (design 16). */
export function describeApi(
  operations: readonly OperationDescription[],
  version: string,
  kinds: readonly ResourceKind[] = [],
): ApiDocument {
  const paths: Record<string, Record<string, ApiOperation>> = {};
  const tags = new Set<string>();
  for (const route of describeRoutes([...operations, ...describeKinds(kinds)])) {
    const described = describeOperation(route);
    for (const tag of described.tags) tags.add(tag);
    paths[route.path] = { ...paths[route.path], [route.operation.method.toLowerCase()]: described };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ottla',
      version,
      description:
        'A replicated metadata controller. Any node answers any request; a follower passes writes and linearizable reads on to the leader. Errors are problems (RFC 9457) with a stable code.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...tags].map((name) => ({ name })),
    paths,
    components,
    security,
  };
}

function describeOperation(route: DescribedRoute): ApiOperation {
  const { operation } = route;
  return {
    operationId: operation.operationId,
    summary: operation.summary,
    tags: [tagOf(route.path)],
    parameters: parametersOf(route),
    ...(hasBody(operation) ? { requestBody: requestBodyOf(operation) } : {}),
    responses: responsesOf(route),
    ...(route.isPublic ? { security: [] as const } : {}),
    'x-may-call': operation.mayCall,
  };
}

/** The first part of the path that names something: operations on one kind of thing stand together. */
function tagOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  return (parts[0] === 'v1' ? parts[1] : 'node') ?? 'node';
}

function parametersOf(route: DescribedRoute): readonly Readonly<Record<string, unknown>>[] {
  const { operation, commonParameters } = route;
  const { params, query, example } = operation;
  return [
    ...fieldParameters(params, 'path', example?.params),
    ...fieldParameters(query, 'query', example?.query),
    ...commonParameters.map(parameterReference),
    ...headerParameters(route).map(parameterReference),
  ];
}

type HeaderParameter = 'idempotencyKey' | 'ifMatch' | 'ifNoneMatch' | 'lastEventId';

function headerParameters({
  operation,
  errors,
  ownHeaders = [],
}: DescribedRoute): readonly HeaderParameter[] {
  // Whoever cannot answer what a header leads to does not look at it.
  return [
    ...(operation.kind === 'write' && errors.includes('IDEMPOTENCY_KEY_REUSED')
      ? ['idempotencyKey' as const]
      : []),
    ...(errors.includes('PRECONDITION_FAILED') ? ['ifMatch' as const] : []),
    ...(answersNotModified(operation) ? ['ifNoneMatch' as const] : []),
    ...ownHeaders,
  ];
}

function fieldParameters(
  schema: TSchema,
  place: 'path' | 'query',
  example: unknown,
): readonly Readonly<Record<string, unknown>>[] {
  const required = requiredNamesOf(schema);
  const values = new Map(Object.entries(example ?? {}));
  return Object.entries(propertiesOf(schema)).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
    // As it is read: separated by commas.
    ...(place === 'query' && isList(property) ? { style: 'form', explode: false } : {}),
    ...(values.has(name) ? { example: values.get(name) } : {}),
  }));
}

function isList(schema: TSchema): boolean {
  return 'type' in schema && schema.type === 'array';
}

function hasBody(operation: OperationDescription): boolean {
  return Object.keys(propertiesOf(operation.body)).length > 0;
}

function requestBodyOf({ body, example }: OperationDescription): Readonly<Record<string, unknown>> {
  const shown = example === undefined ? {} : { example: example.body ?? {} };
  // A request without a body is one without any field.
  return {
    required: requiredNamesOf(body).length > 0,
    content: { [jsonContentType]: { schema: body, ...shown } },
  };
}
