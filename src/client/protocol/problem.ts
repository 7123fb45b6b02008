import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { errorCatalogue, type ErrorCode } from '../../metadata/errors.ts';

/**
 * An error as it travels: problem details (RFC 9457) with what a program needs in order to go on. `code`
 * is the catalogue's; `retryable` says whether the same request may succeed later; `leader` and
 * `retryAfterMs` stand there when they help.
 */
export const problemSchema = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.String(),
  retryable: Type.Boolean(),
  leader: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  retryAfterMs: Type.Optional(Type.Integer({ minimum: 0 })),
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

export type Problem = Static<typeof problemSchema>;

const problemValidator = Compile(problemSchema);

export function isProblem(value: unknown): value is Problem {
  return problemValidator.Check(value);
}

export type ProblemInput = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>> | null;
  readonly leader?: number | null;
  readonly retryAfterMs?: number | null;
};

/** Status and sentence come from the catalogue, so that no code is answered in two ways. */
export function makeProblem(input: ProblemInput): Problem {
  const entry = errorCatalogue[input.code];
  return {
    type: `urn:ottla:error:${input.code}`,
    title: entry.summary,
    status: entry.status,
    detail: input.message,
    code: input.code,
    retryable: entry.retriable,
    ...(input.leader === undefined ? {} : { leader: input.leader }),
    ...(input.retryAfterMs === undefined || input.retryAfterMs === null
      ? {}
      : { retryAfterMs: Math.max(0, Math.ceil(input.retryAfterMs)) }),
    ...(input.details === undefined || input.details === null ? {} : { details: input.details }),
  };
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
