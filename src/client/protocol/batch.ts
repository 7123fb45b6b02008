import { Type, type Static } from 'typebox';
import { apiPrefix } from './headers.ts';
import type { Problem } from './problem.ts';

/**
 * `POST /v1/batch`: many operations in one HTTP request. Each is checked, admitted, carried out and answered
 * as if it had come alone; what they share is the journey. One that fails has no effect on the others, and
 * nothing makes them atomic. They take effect in no promised order.
 */
export const batchPath = `${apiPrefix}/batch`;

/** More operations in one request are refused, all of them. */
export const batchOperationsMax = 1_000;

const closed = { additionalProperties: false } as const;
const fields = Type.Record(Type.String(), Type.Unknown());
const safeInteger = (minimum: number) => Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER });

/**
 * One operation of a batch. `params` and `query` hold values, or the texts that would stand in the path and
 * the query of a request of its own; the rest are the common parameters and headers under their JSON names.
 */
export const batchEntrySchema = Type.Object(
  {
    operationId: Type.String(),
    params: Type.Optional(fields),
    query: Type.Optional(fields),
    body: Type.Optional(fields),
    /** As the header of that name. */
    idempotencyKey: Type.Optional(Type.String()),
    /** Offset of last modification that the resource must still have. */
    ifMatch: Type.Optional(safeInteger(0)),
    consistency: Type.Optional(Type.Union([Type.Literal('linearizable'), Type.Literal('stale')])),
    minOffset: Type.Optional(safeInteger(0)),
    /** Of a read: the state at this very offset. */
    atOffset: Type.Optional(safeInteger(0)),
    timeoutMs: Type.Optional(safeInteger(1)),
    /** Of a write: say what would be done, and do nothing. */
    validateOnly: Type.Optional(Type.Boolean()),
  },
  closed,
);

export type BatchEntry = Static<typeof batchEntrySchema>;

/** The whole request; its operations are checked one by one, since one that is bad fails alone. */
export const batchRequestSchema = Type.Object(
  { operations: Type.Array(Type.Unknown(), { minItems: 1, maxItems: batchOperationsMax }) },
  closed,
);

/** What is told of every operation of a batch, as headers tell it of a request of its own. */
export type BatchResultStanding = {
  /** The status that a request of its own would have had. */
  readonly status: number;
  readonly offset: number;
  readonly epoch: number;
  readonly leaderId: number | null;
  readonly forwarded: boolean;
};

/** `response` is absent where the status is 204. */
export type BatchResult = BatchResultStanding &
  (
    | { readonly response?: unknown; readonly modifiedOffset?: number }
    | { readonly problem: Problem; readonly response?: never }
  );

/** The results stand in the order of the operations, one for each. */
export type BatchResponse = { readonly results: readonly BatchResult[] };
