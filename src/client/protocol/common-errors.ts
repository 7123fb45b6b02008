import type { ErrorCode } from '../../metadata/errors.ts';
import { isAllowed, roles } from '../../metadata/roles.ts';
import type { OperationDescription } from './description.ts';

/**
 * The errors that an operation answers beside its own (`errors`): of the border, of the quorum, and of the
 * conventions that all operations of its kind follow. OpenAPI and the page of errors are made from these, and
 * a test fails when an answer is not among them.
 */
const borderCodes = [
  'INVALID_REQUEST',
  'REQUEST_TOO_LARGE',
  // Of a node that stops.
  'NOT_CONTROLLER',
  'UNKNOWN_SERVER_ERROR',
] as const satisfies readonly ErrorCode[];

/** Of whatever asks who calls it, and counts how often. */
const callerCodes = [
  'SASL_AUTHENTICATION_FAILED',
  'THROTTLING_QUOTA_EXCEEDED',
] as const satisfies readonly ErrorCode[];

/** Of any operation that goes through the quorum: the leader is older and does not have it. */
const quorumCodes = ['RESOURCE_NOT_FOUND'] as const satisfies readonly ErrorCode[];

/** The past, and the image of a listing, are kept for a while, and not on every node. */
const readCodes = ['REQUEST_TIMED_OUT', 'OFFSET_OUT_OF_RANGE'] as const satisfies readonly ErrorCode[];

/** Of what the leader's core does, which no key and no `If-Match` stands for, or is only asked whether it would. */
const directCodes = ['OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT'] as const satisfies readonly ErrorCode[];

/** Of what changes something and may carry `If-Match`, or is only validated, which a majority has to confirm. */
const changeCodes = [
  'OUTCOME_UNKNOWN',
  'PRECONDITION_FAILED',
  'REQUEST_TIMED_OUT',
] as const satisfies readonly ErrorCode[];

/** Of what is remembered under no key, and refuses one. */
const keylessCodes = ['IDEMPOTENCY_KEY_NOT_SUPPORTED'] as const satisfies readonly ErrorCode[];

/** Of a write, which may stand under an idempotency key. */
const keyCodes = [
  'SESSION_EXPIRED',
  'SEQUENCE_FORGOTTEN',
  'IDEMPOTENCY_KEY_REUSED',
  'SESSION_TABLE_FULL',
] as const satisfies readonly ErrorCode[];

/**
 * Where an operation is answered: by the quorum, or by one node from what it knows itself; and `public` by one
 * node to anybody, without asking who it is.
 */
export type Answerer = 'quorum' | 'node' | 'public';

export function commonErrors(operation: OperationDescription, answerer: Answerer): readonly ErrorCode[] {
  if (answerer === 'public') return borderCodes;
  const codes: ErrorCode[] = [...borderCodes, ...callerCodes];
  if (!mayEverybodyCall(operation)) codes.push('CLUSTER_AUTHORIZATION_FAILED');
  if (operation.kind === 'heartbeat' || operation.kind === 'direct') codes.push(...keylessCodes);
  if (answerer === 'node') return codes;
  codes.push(...quorumCodes);
  if (operation.kind === 'direct') return [...codes, ...directCodes];
  if (operation.kind === 'read') codes.push(...readCodes);
  else codes.push(...changeCodes);
  if (operation.kind === 'write') codes.push(...keyCodes);
  // A leader that is short of space goes on with what keeps the cluster alive (design 20).
  if (operation.kind !== 'read' && operation.priority === 'administration') codes.push('STORAGE_LOW');
  return codes;
}

/** Whatever its role, and for whomever it calls. */
function mayEverybodyCall({ mayCall, speaksFor }: OperationDescription): boolean {
  return speaksFor === undefined && roles.every((role) => isAllowed(role, mayCall));
}

/** Every code that the operation can answer, each once, in the order of their names. */
export function allErrors(operation: OperationDescription, answerer: Answerer): readonly ErrorCode[] {
  return [...new Set([...commonErrors(operation, answerer), ...operation.errors])].sort();
}
