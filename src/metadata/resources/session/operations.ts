import { type Static, Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
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
  unknownToken,
} from '../../define-operation.ts';
import { everyRole } from '../../roles.ts';
import { limits } from '../../limits.ts';

const timeoutMs = Type.Integer({
  minimum: limits.sessionTimeoutMsMin,
  maximum: limits.sessionTimeoutMsMax,
});
const milliseconds = Type.Integer({ minimum: 0 });
const count = Type.Integer({ minimum: 0 });

export const openSession = defineOperation({
  operationId: 'openSession',
  method: 'POST',
  path: '/sessions',
  summary: 'Open a session: requests under its keys take effect exactly once.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator', 'broker'],
  params: nothing,
  query: nothing,
  body: closed({
    /** The session ends when it was idle for this long; ten minutes when absent. */
    timeoutMs: Type.Optional(timeoutMs),
  }),
  response: closed({
    sessionId: schemas.offset,
    timeoutMs,
    /** Sequences, counted from `forgetBelow`, that may be outstanding. */
    window: count,
  }),
  successStatus: 201,
  errors: ['INVALID_REQUEST', 'SESSION_TABLE_FULL'],
  example: { body: { timeoutMs: 600_000 }, response: { sessionId: 40, timeoutMs: 600_000, window: 1_024 } },
  handle: (image, { body }, context) => {
    if (context.principal.length > limits.principalLengthMax) {
      return refuse('INVALID_REQUEST', `A principal has at most ${limits.principalLengthMax} characters.`);
    }
    if (image.session.sessions.size >= limits.sessionsMax) {
      return refuse('SESSION_TABLE_FULL', `There are ${limits.sessionsMax} sessions (sessionsMax).`);
    }
    const sessionId = context.nextOffset;
    const timeout = body.timeoutMs ?? limits.sessionTimeoutMsDefault;
    const { principal } = context;
    return ok({
      records: [{ type: 'OpenSessionRecord', sessionId, principal, timeoutMs: timeout }],
      response: { sessionId, timeoutMs: timeout, window: limits.sessionWindow },
    });
  },
});

const sessionParams = closed({ sessionId: schemas.offset });

export const closeSession = defineOperation({
  operationId: 'closeSession',
  method: 'DELETE',
  path: '/sessions/{sessionId}',
  summary: 'Close a session and forget its answers.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator', 'broker'],
  params: sessionParams,
  query: nothing,
  body: nothing,
  response: closed({ sessionId: schemas.offset }),
  errors: ['UNKNOWN_SESSION_ID'],
  example: { params: { sessionId: 40 }, response: { sessionId: 40 } },
  handle: (image, { params }, context) => {
    const { sessionId } = params;
    const row = image.session.sessions.get(sessionId);
    if (row === null || row.principal !== context.principal) {
      return refuse('UNKNOWN_SESSION_ID', `There is no session ${sessionId}.`);
    }
    return ok({
      records: [{ type: 'CloseSessionRecord', sessionId }],
      response: { sessionId },
      modifiedOffset: offset(row.lastModified),
    });
  },
});

const sessionResponse = closed({
  sessionId: schemas.offset,
  principal: Type.String(),
  timeoutMs,
  lastUsedMs: milliseconds,
  forgetBelow: schemas.offset,
  lastModified: schemas.offset,
});

const sessionExample = {
  sessionId: 40,
  principal: 'User:ANONYMOUS',
  timeoutMs: 600_000,
  lastUsedMs: 1_790_000_000_000,
  forgetBelow: 7,
  lastModified: 52,
} satisfies Static<typeof sessionResponse>;

export const describeSession = defineOperation({
  operationId: 'describeSession',
  method: 'GET',
  path: '/sessions/{sessionId}',
  summary: 'One open session.',
  kind: 'read',
  priority: 'administration',
  mayCall: ['operator'],
  params: sessionParams,
  query: nothing,
  body: nothing,
  response: sessionResponse,
  errors: ['UNKNOWN_SESSION_ID'],
  example: { params: { sessionId: 40 }, response: sessionExample },
  handle: (image, { params }) => {
    const row = image.session.sessions.get(params.sessionId);
    if (row === null) return refuse('UNKNOWN_SESSION_ID', `There is no session ${params.sessionId}.`);
    return answer({ ...row }, offset(row.lastModified));
  },
});

export const listSessions = defineOperation({
  operationId: 'listSessions',
  method: 'GET',
  path: '/sessions',
  summary: 'Open sessions, by id.',
  kind: 'read',
  priority: 'administration',
  mayCall: ['operator'],
  params: nothing,
  query: pageQuery,
  body: nothing,
  response: closed({
    sessions: Type.Array(sessionResponse),
    continue: schemas.nextToken,
  }),
  errors: ['INVALID_REQUEST'],
  example: {
    query: { limit: 100 },
    response: {
      sessions: [sessionExample],
      continue: null,
    },
  },
  handle: (image, { query }) => {
    const after = query.continue === undefined ? -1 : integerToken(query.continue);
    if (after === null) return unknownToken;
    const page = takePage(image.session.sessions.valuesAfter(after), query, (row) => String(row.sessionId));
    return answer({ sessions: page.rows.map((row) => ({ ...row })), continue: page.continue });
  },
});

export const describeIdempotency = defineOperation({
  operationId: 'describeIdempotency',
  method: 'GET',
  path: '/idempotency',
  summary: 'How long answers are remembered, how many can be and how many are.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: nothing,
  body: nothing,
  response: closed({
    /** The answer to a bare Idempotency-Key header is remembered at least this long. */
    headerRetentionMs: milliseconds,
    headerAnswersMax: count,
    headerAnswers: count,
    sessionsMax: count,
    sessions: count,
    sessionWindow: count,
    answersMax: count,
    answers: count,
  }),
  errors: [],
  example: {
    response: {
      headerRetentionMs: 600_000,
      headerAnswersMax: 100_000,
      headerAnswers: 3,
      sessionsMax: 10_000,
      sessions: 2,
      sessionWindow: 1_024,
      answersMax: 1_000_000,
      answers: 12,
    },
  },
  handle: ({ session }) =>
    answer({
      headerRetentionMs: limits.headerRetentionMs,
      headerAnswersMax: limits.headerAnswersMax,
      headerAnswers: session.headerAnswers.size,
      sessionsMax: limits.sessionsMax,
      sessions: session.sessions.size,
      sessionWindow: limits.sessionWindow,
      answersMax: limits.answersMax,
      answers: session.answers.size,
    }),
});

export const operations = {
  openSession,
  closeSession,
  describeSession,
  listSessions,
  describeIdempotency,
} as const;
