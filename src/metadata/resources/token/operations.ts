import { type Static, Type } from 'typebox';
import { isUuid, offset, type Uuid } from '../../../base/brands.ts';
import { ok, type Result } from '../../../base/result.ts';
import {
  answer,
  closed,
  defineOperation,
  nothing,
  nullable,
  pageQuery,
  refuse,
  schemas,
  takePage,
  unknownToken,
} from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationError } from '../../operation.ts';
import { administratorName, bytesOfHash, isSamePrincipal, isSameSecret, tokenIdOf } from './identity.ts';
import type { TokenRecord } from './records.ts';
import type { TokenRow } from './resource.ts';

/** Those of `roles.ts`, one by one: the compiler takes the type from here. */
const role = Type.Union([
  Type.Literal('administrator'),
  Type.Literal('operator'),
  Type.Literal('broker'),
  Type.Literal('reader'),
]);
const milliseconds = Type.Integer({ minimum: 0, description: 'Wall clock, in ms since 1970.' });

const tokenView = closed({
  tokenId: schemas.uuid,
  name: Type.String(),
  role: Type.String(),
  /** The broker that it speaks for; null unless its role is broker. */
  brokerId: nullable(schemas.brokerId),
  createdMs: milliseconds,
  /** Null for a token that never expires. */
  expiresMs: nullable(milliseconds),
  lastModified: schemas.offset,
});

const createBody = closed({
  name: Type.String({
    pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$',
    description: 'Who it is for; the tokens of one name are one principal, and have one role.',
  }),
  role,
  brokerId: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 2_147_483_647,
      description: 'The one broker that it speaks for; given with the role broker and with no other.',
    }),
  ),
  secretHash: Type.String({
    pattern: '^[0-9a-f]{64}$',
    description: 'SHA-256 of the secret, in hexadecimal; the secret itself stays with whoever made it.',
  }),
  lifetimeMs: Type.Optional(
    Type.Integer({
      minimum: limits.tokenLifetimeMsMin,
      maximum: limits.tokenLifetimeMsMax,
      description: 'How long it is honoured; for ever when absent.',
    }),
  ),
});

/** For the documents of the operations. */
const createdExample = {
  tokenId: exampleIds.token,
  name: 'broker-1',
  role: 'broker',
  brokerId: 1,
  expiresMs: null,
} as const;
const tokenExample = { ...createdExample, createdMs: 1_700_000_000_000, lastModified: 60 } as const;

export const createToken = defineOperation({
  operationId: 'createToken',
  method: 'POST',
  path: '/tokens',
  summary: 'Create a token from the hash of a secret: whoever shows the secret has the role.',
  kind: 'write',
  priority: 'administration',
  mayCall: [],
  params: nothing,
  query: nothing,
  body: createBody,
  response: closed({
    tokenId: schemas.uuid,
    name: Type.String(),
    role: Type.String(),
    brokerId: nullable(schemas.brokerId),
    expiresMs: nullable(milliseconds),
  }),
  successStatus: 201,
  errors: ['INVALID_REQUEST', 'TOKEN_CONFLICT', 'TOKEN_TABLE_FULL'],
  example: {
    body: { name: 'broker-1', role: 'broker', brokerId: 1, secretHash: '5e'.repeat(32) },
    response: createdExample,
  },
  handle: (image, { body }, { timestampMs }) => {
    if ((body.role === 'broker') !== (body.brokerId !== undefined)) {
      return refuse('INVALID_REQUEST', 'A brokerId is given with the role broker and with no other.');
    }
    if (body.name === administratorName && body.role !== 'administrator') {
      return refuse('INVALID_REQUEST', `The name ${administratorName} is for tokens of that role.`);
    }
    const record = recordOf(body, timestampMs);
    const known = image.token.tokens.get(record.tokenId);
    if (known !== null) return answerKnown(known, record);
    const conflict = findConflict(image, record);
    if (conflict !== null) return refuse('TOKEN_CONFLICT', conflict);
    if (image.token.tokens.size >= tokensMaxFor(body.role)) {
      return refuse('TOKEN_TABLE_FULL', `There are ${limits.tokensMax} tokens (tokensMax); revoke some.`);
    }
    return ok({ records: [record], response: createdView(record), modifiedOffset: null });
  },
});

/** Nobody is locked out by a full table: there is always room for whoever revokes some. */
function tokensMaxFor(given: string): number {
  return limits.tokensMax + (given === 'administrator' ? limits.administratorTokensReserved : 0);
}

function recordOf(body: Static<typeof createBody>, timestampMs: number): TokenRecord {
  const secretHash = bytesOfHash(body.secretHash);
  return {
    type: 'TokenRecord',
    tokenId: tokenIdOf(secretHash),
    name: body.name,
    role: body.role,
    brokerId: body.brokerId ?? -1,
    secretHash,
    createdMs: timestampMs,
    expiresMs: body.lifetimeMs === undefined ? -1 : timestampMs + body.lifetimeMs,
  };
}

/** The same secret again is the same request again, and changes nothing. */
function answerKnown(known: TokenRow, asked: TokenRecord) {
  if (!isSameSecret(known, asked.secretHash) || !isSamePrincipal(known, asked)) {
    return refuse('TOKEN_CONFLICT', 'This secret belongs to another token; make a new one.');
  }
  return ok({ records: [], response: createdView(known), modifiedOffset: offset(known.lastModified) });
}

/** Tokens of one name are one principal: it owns sessions, and has its rights once for all of them. */
function findConflict(image: MetadataImage, asked: TokenRecord): string | null {
  for (const row of image.token.tokens.values()) {
    if (row.name !== asked.name || isSamePrincipal(row, asked)) continue;
    const bound = row.brokerId === -1 ? '' : ` of broker ${row.brokerId}`;
    return `The tokens of ${row.name} have the role ${row.role}${bound}; choose another name, or revoke them first.`;
  }
  return null;
}

const tokenParams = closed({ tokenId: schemas.uuid });

export const listTokens = defineOperation({
  operationId: 'listTokens',
  method: 'GET',
  path: '/tokens',
  summary: 'Tokens, by id, without anything that could be shown in their place.',
  kind: 'read',
  priority: 'administration',
  mayCall: [],
  params: nothing,
  query: pageQuery,
  body: nothing,
  response: closed({ tokens: Type.Array(tokenView), continue: schemas.nextToken }),
  errors: ['INVALID_REQUEST'],
  example: {
    query: { limit: 1 },
    response: { tokens: [tokenExample], continue: `60:0:${exampleIds.token}` },
  },
  handle: (image, { query }) => {
    const { tokens } = image.token;
    const after = query.continue;
    if (after !== undefined && !isUuid(after)) return unknownToken;
    const rows = after === undefined ? tokens.values() : tokens.valuesAfter(after);
    const page = takePage(rows, query, (row) => row.tokenId);
    return answer({ tokens: page.rows.map(viewOf), continue: page.continue });
  },
});

export const describeToken = defineOperation({
  operationId: 'describeToken',
  method: 'GET',
  path: '/tokens/{tokenId}',
  summary: 'One token.',
  kind: 'read',
  priority: 'administration',
  mayCall: [],
  params: tokenParams,
  query: nothing,
  body: nothing,
  response: tokenView,
  errors: ['UNKNOWN_TOKEN_ID'],
  example: { params: { tokenId: exampleIds.token }, response: tokenExample },
  handle: (image, { params }) => {
    const found = find(image, params.tokenId);
    if (!found.ok) return found;
    return answer(viewOf(found.value), offset(found.value.lastModified));
  },
});

export const revokeToken = defineOperation({
  operationId: 'revokeToken',
  method: 'DELETE',
  path: '/tokens/{tokenId}',
  summary: 'Revoke a token: once this is answered nothing is written under it any more.',
  kind: 'write',
  priority: 'administration',
  mayCall: [],
  params: tokenParams,
  query: nothing,
  body: nothing,
  response: closed({ tokenId: schemas.uuid, name: Type.String() }),
  errors: ['UNKNOWN_TOKEN_ID'],
  example: {
    params: { tokenId: exampleIds.token },
    response: { tokenId: exampleIds.token, name: 'broker-1' },
  },
  handle: (image, { params }) => {
    const found = find(image, params.tokenId);
    if (!found.ok) return found;
    const { tokenId, name, lastModified } = found.value;
    return ok({
      records: [{ type: 'RemoveTokenRecord', tokenId }],
      response: { tokenId, name },
      modifiedOffset: offset(lastModified),
    });
  },
});

function find(image: MetadataImage, tokenId: Uuid): Result<TokenRow, OperationError> {
  const row = image.token.tokens.get(tokenId);
  return row === null ? refuse('UNKNOWN_TOKEN_ID', `There is no token ${tokenId}.`) : ok(row);
}

function createdView({ tokenId, name, role: given, brokerId, expiresMs }: Omit<TokenRecord, 'type'>) {
  return { tokenId, name, role: given, brokerId: orNull(brokerId), expiresMs: orNull(expiresMs) };
}

/**
 * It does not say whether it has expired: an answer follows from the state at its offset, whenever and on
 * whichever node it is given, and that would follow from a clock.
 */
function viewOf(row: TokenRow) {
  return { ...createdView(row), createdMs: row.createdMs, lastModified: row.lastModified };
}

/** Records have -1 where an answer has null. */
function orNull(value: number): number | null {
  return value === -1 ? null : value;
}

export const operations = { createToken, listTokens, describeToken, revokeToken } as const;
