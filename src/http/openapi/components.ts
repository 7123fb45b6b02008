import { commonQueryNames, headerNames, noLeader } from '../../client/protocol/headers.ts';
import { bareKeyLengthMax } from '../../client/protocol/idempotency-key.ts';
import { requestTimeoutDefaultMs, requestTimeoutMaxMs } from '../../client/protocol/limits.ts';
import { problemSchema } from '../../client/protocol/problem.ts';

const offsetSchema = { type: 'integer', minimum: 0 } as const;

/** Parameters that stand at many operations, each described once. */
const parameters = {
  consistency: {
    name: commonQueryNames.consistency,
    in: 'query',
    description:
      'linearizable: the answer reflects every write that was acknowledged before the request. stale: the answer is what the node asked knows, which works without a leader.',
    schema: { type: 'string', enum: ['linearizable', 'stale'], default: 'linearizable' },
  },
  minOffset: {
    name: commonQueryNames.minOffset,
    in: 'query',
    description:
      'The answer reflects at least everything below this offset: the offset of an answer before makes a client read its own writes on any node.',
    schema: offsetSchema,
  },
  atOffset: {
    name: commonQueryNames.atOffset,
    in: 'query',
    description:
      'The answer shows the state at this very offset, an end of a batch such as the offset of an answer before. Any node that holds it answers, with or without a leader; OFFSET_OUT_OF_RANGE with the oldest and the newest that is held when it is gone.',
    schema: offsetSchema,
  },
  timeoutMs: {
    name: commonQueryNames.timeoutMs,
    in: 'query',
    description: 'How long the caller waits, in ms.',
    schema: {
      type: 'integer',
      minimum: 1,
      maximum: requestTimeoutMaxMs,
      default: requestTimeoutDefaultMs,
    },
  },
  validateOnly: {
    name: commonQueryNames.validateOnly,
    in: 'query',
    description: 'true: the answer says what the write would do, and nothing is done.',
    schema: { type: 'boolean', default: false },
  },
  idempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description: `Under a key the write takes effect once, however often and to whichever node it is sent. Either <sessionId>:<sequence>[:<forgetBelow>] of a session, or a text of the caller’s own, with at least one letter and at most ${bareKeyLengthMax} characters.`,
    schema: { type: 'string' },
    example: '40:7:5',
  },
  ifMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'The ETag that the resource must still have; PRECONDITION_FAILED when it has changed since then.',
    schema: { type: 'string', pattern: '^"?(0|[1-9][0-9]{0,15})"?$' },
    example: '"40"',
  },
  lastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description:
      'The id of the last event that was taken in; it counts more than `since`. An EventSource sends it by itself when it comes again.',
    schema: { type: 'string', pattern: '^[0-9]{1,16}$' },
    example: '52',
  },
  ifNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'Tags of answers that the caller has: 304 without a body when the answer is one of these.',
    schema: { type: 'string' },
    example: '"40"',
  },
} as const;

/** Headers that every answer carries, and those of some. */
const headers = {
  offset: {
    description: 'The offset of the log (exclusive) that the answer reflects.',
    schema: offsetSchema,
  },
  epoch: { description: 'The epoch of the node that answers.', schema: offsetSchema },
  node: { description: 'The controller that answers.', schema: offsetSchema },
  leader: {
    description: `The controller that leads, or ${noLeader}.`,
    schema: { type: 'string', pattern: `^([0-9]+|${noLeader})$` },
  },
  forwarded: {
    description: 'true when another controller than the one asked has executed the request.',
    schema: { type: 'string', enum: ['true', 'false'] },
  },
  entityTag: {
    description: 'The offset that last modified the resource; for If-Match and If-None-Match.',
    schema: { type: 'string', pattern: '^"[0-9]+"$' },
  },
  validateOnly: {
    description: 'true when the write was only validated: nothing was changed.',
    schema: { type: 'string', enum: ['true'] },
  },
  retryAfter: {
    description: 'Whole seconds after which to send the request again; retryAfterMs in the body is exact.',
    schema: { type: 'integer', minimum: 1 },
  },
} as const;

/** How whoever calls says who it is; `docs/SECURITY.md`. A node that runs with `--insecure` asks nobody. */
const securitySchemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'ottla_…',
    description: 'A token; an administrator makes one with createToken.',
  },
  certificate: { type: 'mutualTLS', description: 'A client certificate with a name that is given a role.' },
} as const;

/** One of them is enough. */
export const security = [{ token: [] }, { certificate: [] }] as const;

export const components = {
  parameters,
  headers,
  schemas: { Problem: problemSchema },
  securitySchemes,
} as const;

export function parameterReference(name: keyof typeof parameters): { readonly $ref: string } {
  return { $ref: `#/components/parameters/${name}` };
}

function headerReference(name: keyof typeof headers): { readonly $ref: string } {
  return { $ref: `#/components/headers/${name}` };
}

/** Says of every answer where it comes from. */
export const standingHeaders = {
  [headerNames.offset]: headerReference('offset'),
  [headerNames.epoch]: headerReference('epoch'),
  [headerNames.node]: headerReference('node'),
  [headerNames.leader]: headerReference('leader'),
  [headerNames.forwarded]: headerReference('forwarded'),
};

export const entityTagHeader = { etag: headerReference('entityTag') };
export const validateOnlyHeader = { [headerNames.validateOnly]: headerReference('validateOnly') };
export const retryAfterHeader = { [headerNames.retryAfter]: headerReference('retryAfter') };
