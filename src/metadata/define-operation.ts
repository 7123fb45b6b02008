import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import type { Uuid } from '../base/brands.ts';
import { failed, ok, type Failed, type Ok } from '../base/result.ts';
import type { ErrorCode } from './errors.ts';
import { limits } from './limits.ts';
import type { OperationDefinition, OperationError, OperationOutcome } from './operation.ts';

/** The definition as it is; the call is there for the types. */
export function defineOperation<
  const Params extends TSchema,
  const Query extends TSchema,
  const Body extends TSchema,
  const Response extends TSchema,
>(
  definition: OperationDefinition<Params, Query, Body, Response>,
): OperationDefinition<Params, Query, Body, Response> {
  return Object.freeze(definition);
}

/** An object with these fields and no other. */
export function closed<const Properties extends TProperties>(properties: Properties): TObject<Properties> {
  return Type.Object(properties, { additionalProperties: false });
}

/** What may be absent in an answer. */
export const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

export const nothing = closed({});

const int32Max = 2_147_483_647;

export const schemas = {
  uuid: Type.Unsafe<Uuid>(
    Type.String({
      pattern: '^[A-Za-z0-9_-]{21}[AQgw]$',
      description: '16 bytes as 22 characters of base64url.',
    }),
  ),
  brokerId: Type.Integer({ minimum: 0, maximum: int32Max }),
  /** A leader, or -1 for none. */
  leader: Type.Integer({ minimum: -1, maximum: int32Max }),
  partitionId: Type.Integer({ minimum: 0, maximum: int32Max }),
  epoch: Type.Integer({ minimum: 0, maximum: int32Max }),
  offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  topicName: Type.String({ minLength: 1, maxLength: limits.topicNameLengthMax }),
  name: Type.String({ minLength: 1, maxLength: 249 }),
  replicas: Type.Array(Type.Integer({ minimum: 0, maximum: int32Max }), {
    maxItems: limits.replicasPerPartitionMax,
  }),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: limits.pageRowsMax,
      description: `Rows of one page; ${limits.pageRowsDefault} when absent.`,
    }),
  ),
  continueToken: Type.Optional(
    Type.String({
      maxLength: 512,
      description:
        'The `continue` of the page before. All pages of one listing show one offset; OFFSET_OUT_OF_RANGE when it is not kept any more.',
    }),
  ),
  /** Null on the last page. */
  nextToken: Type.Union([Type.String(), Type.Null()]),
} as const;

export const pageQuery = closed({ limit: schemas.limit, continue: schemas.continueToken });
export type PageQuery = Static<typeof pageQuery>;

export type Page<Row> = { readonly rows: readonly Row[]; readonly continue: string | null };

/** One page of `rows`, which begin where the page begins; `tokenOf` names the row after which the next one does. */
export function takePage<Row>(
  rows: Iterable<Row>,
  query: PageQuery,
  tokenOf: (row: Row) => string,
): Page<Row> {
  const limit = query.limit ?? limits.pageRowsDefault;
  const page: Row[] = [];
  for (const row of rows) {
    if (page.length === limit) {
      const last = page.at(-1);
      return { rows: page, continue: last === undefined ? null : tokenOf(last) };
    }
    page.push(row);
  }
  return { rows: page, continue: null };
}

/** A token that is a whole number; null when it is none of ours. */
export function integerToken(token: string): number | null {
  return /^(0|[1-9]\d{0,15})$/.test(token) ? Number(token) : null;
}

export function refuse(
  code: ErrorCode,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): Failed<OperationError> {
  return failed(details === undefined ? { code, message } : { code, message, details });
}

/** The answer to a read. */
export function answer<Response>(
  response: Response,
  modifiedOffset?: OperationOutcome<Response>['modifiedOffset'],
): Ok<OperationOutcome<Response>> {
  return ok(
    modifiedOffset === undefined ? { records: [], response } : { records: [], response, modifiedOffset },
  );
}

export const unknownToken = refuse('INVALID_REQUEST', 'The continue token is not one of this listing.');

/** The refusal of what would not fit one batch of the log, where the cluster has no transactions yet. */
export function tooManyRecords(count: number): ReturnType<typeof refuse> {
  return refuse(
    'INVALID_REQUEST',
    `The operation would write ${count} records; one operation may write recordsPerOperationMax = ${limits.recordsPerOperationMax}.`,
    { limit: 'recordsPerOperationMax', maximum: limits.recordsPerOperationMax },
  );
}
