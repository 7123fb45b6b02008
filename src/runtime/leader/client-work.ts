import { assert, violated } from '../../base/assert.ts';
import { type Offset, offset } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, type Result } from '../../base/result.ts';
import type { ErrorCode } from '../../metadata/errors.ts';
import { runOperation, runStep } from '../../metadata/execute.ts';
import { refuse } from '../../metadata/define-operation.ts';
import { createImageBuilder, type ImageBuilder, type MetadataImage } from '../../metadata/image.ts';
import { limits } from '../../metadata/limits.ts';
import type { OperationContext, OperationError, OperationOutcome } from '../../metadata/operation.ts';
import type { RegisteredOperation } from '../../metadata/operations.ts';
import { findPolicyViolation, isJudged } from '../../metadata/policy.ts';
import type { MetadataRecord } from '../../metadata/registry.ts';
import {
  type AnswerKey,
  answerRecord,
  fitsAnswer,
  lookupAnswer,
} from '../../metadata/resources/session/answers.ts';
import { dishonouredToken } from '../../metadata/resources/token/identity.ts';
import type { ControllerRequest } from '../controller-api.ts';
import type { Execution, PendingOperation, Reply } from './operation-queue.ts';
import { requestHashOf } from './request-hash.ts';

/** A client's request as the leader executes it: at most once under a key (design 14). */
export function clientWork(
  operation: RegisteredOperation,
  request: ControllerRequest,
  reply: Reply,
): PendingOperation {
  return {
    name: operation.operationId,
    priority: operation.priority,
    principal: request.principal,
    awaitsBarrier: operation.kind === 'heartbeat',
    isInternal: false,
    reply,
    run: (image, context) =>
      isOnlyValidated(request)
        ? validate(operation, request, image, context)
        : execute(operation, request, image, context),
  };
}

export function isOnlyValidated({ validateOnly }: Pick<ControllerRequest, 'validateOnly'>): boolean {
  return validateOnly === true;
}

/**
 * Runs a read on a committed image and answers it. Whoever asks must be honoured by the state of `present`, which may
 * be later than the one that is read.
 */
export function answerRead(
  operation: RegisteredOperation,
  request: ControllerRequest,
  reply: Reply,
  { image, present }: { readonly image: MetadataImage; readonly present: MetadataImage },
  context: OperationContext,
): void {
  const dishonoured = findDishonoured(present, request, context.timestampMs);
  const ran =
    dishonoured === null ? runOperation(operation, image, inputOf(request), context) : failed(dishonoured);
  give(ran, reply, image.endOffset);
}

/**
 * The node that took the request has looked at the token in its own image, which may have been behind. Here
 * the log is in order: behind the record that revokes a token nothing is written under it, and no read that
 * asks for a majority is confirmed. It is refused before the key is looked up, and nothing is remembered.
 */
function findDishonoured(
  image: MetadataImage,
  { tokenId }: ControllerRequest,
  nowMs: number,
): OperationError | null {
  if (tokenId === undefined || tokenId === null) return null;
  const fate = dishonouredToken(image.token.tokens.get(tokenId), nowMs);
  if (fate === null) return null;
  return { code: 'SASL_AUTHENTICATION_FAILED', message: `The token ${fate}; nothing was changed.` };
}

type Ran = Result<OperationOutcome<unknown>, OperationError>;

/**
 * What the operation would answer now. Nothing of what it says beside its response counts: no broker was heard,
 * and no work goes on.
 */
function validate(
  operation: RegisteredOperation,
  request: ControllerRequest,
  image: MetadataImage,
  context: OperationContext,
): Execution {
  coverageMark('validation: a write is judged and not made');
  const ran = restJudged(operation, runChecked(operation, request, image, context), image, context);
  return {
    records: [],
    outcome: null,
    next: null,
    mayStandAlready: false,
    // Without its records, the tag is that of the resource as it is.
    answer: (reply, offset) =>
      give(ran.ok ? { ok: true, value: { ...ran.value, records: [] } } : ran, reply, offset),
  };
}

function execute(
  operation: RegisteredOperation,
  request: ControllerRequest,
  image: MetadataImage,
  context: OperationContext,
): Execution {
  const dishonoured = findDishonoured(image, request, context.timestampMs);
  if (dishonoured !== null) return lastExecution(failed(dishonoured), []);
  const key = keyOf(request);
  if (key === null)
    return executionOf(operation, runChecked(operation, request, image, context), (ran) =>
      lastExecution(ran, []),
    );
  const requestHash = requestHashOf(request);
  const known = lookupAnswer(image, key, requestHash, request.principal);
  if (known.kind === 'refused') return lastExecution(failed(known.error), []);
  if (known.kind === 'recorded') {
    coverageMark('exactly once: the recorded answer is given again');
    const { status, answer } = known;
    return {
      records: [],
      outcome: null,
      next: null,
      mayStandAlready: true,
      answer: (reply, offset) => giveRecorded(status, answer, reply, offset),
    };
  }
  return executionOf(operation, runChecked(operation, request, image, context), (last) => {
    const { ran, answer } = rememberable(last);
    if (closesItsSession(ran, key)) {
      coverageMark('exactly once: a session closes itself');
      return lastExecution(ran, []);
    }
    const status = ran.ok ? null : ran.error.code;
    return lastExecution(ran, [answerRecord(key, request.principal, requestHash, status, answer)]);
  });
}

/**
 * A session takes all that is remembered under it with it, so the answer to its own closing is not recorded:
 * a duplicate finds no session, and executes nothing.
 */
function closesItsSession(ran: Ran, key: AnswerKey): boolean {
  if (!ran.ok || !('sessionId' in key)) return false;
  const { sessionId } = key;
  return ran.value.records.some(
    (record) => record.type === 'CloseSessionRecord' && record.sessionId === sessionId,
  );
}

/** A refusal for its size is an answer like any other, and remembered: a delayed duplicate may fit. */
function rememberable(ran: Ran): { readonly ran: Ran; readonly answer: Uint8Array } {
  const answer = encodeAnswer(ran);
  if (fitsAnswer(answer)) return { ran, answer };
  const refused = failed(tooLarge);
  return { ran: refused, answer: encodeAnswer(refused) };
}

const tooLarge: OperationError = {
  code: 'INVALID_REQUEST',
  message:
    'The answer would be too large to be remembered under a key; nothing was executed. Split the request.',
};

/** The operation, and then the caller's condition on what it would change. */
function runChecked(
  operation: RegisteredOperation,
  request: ControllerRequest,
  image: MetadataImage,
  context: OperationContext,
): Ran {
  const ran = withPolicies(operation, runOperation(operation, image, inputOf(request), context), context);
  if (!ran.ok || request.ifMatch === null) return ran;
  const modifiedOffset = ran.value.modifiedOffset ?? null;
  if (modifiedOffset === request.ifMatch) return ran;
  return failed({
    code: 'PRECONDITION_FAILED',
    message: `The resource was last modified at offset ${modifiedOffset ?? 'none'}, not at ${request.ifMatch}; nothing was changed.`,
    details: { modifiedOffset },
  });
}

/** What Ottla would do, as the operator's policies have it: they are asked at the last step, when all is known. */
function withPolicies(
  { operationId }: RegisteredOperation,
  ran: Ran,
  { policies = {} }: OperationContext,
  before: readonly MetadataRecord[] = [],
): Ran {
  if (!ran.ok || hasMoreSteps(ran.value)) return ran;
  const message = findPolicyViolation(policies, operationId, [...before, ...ran.value.records]);
  return message === null ? ran : failed({ code: 'POLICY_VIOLATION', message });
}

function hasMoreSteps({ next = null }: OperationOutcome<unknown>): boolean {
  return next !== null;
}

/**
 * Its further steps, where they may be refused: by the policies, or by themselves. Only what reads its own steps is
 * replayed; to others the state as it is serves for all of them.
 */
function restJudged(
  operation: RegisteredOperation,
  first: Ran,
  image: MetadataImage,
  context: OperationContext,
): Ran {
  if (!first.ok) return first;
  const { mayRefuseLater = false, readsItsSteps = false } = first.value;
  if (!mayRefuseLater && !isJudged(context.policies ?? {}, operation.operationId)) return first;
  const replayed = readsItsSteps ? createImageBuilder(image) : null;
  const before: MetadataRecord[] = [];
  let now = image;
  let ran: Ran = first;
  while (ran.ok) {
    const { records, next = null }: OperationOutcome<unknown> = ran.value;
    if (next === null) break;
    for (const record of records) before.push(record);
    if (replayed !== null) {
      if (before.length > limits.recordsValidatedMax) return tooMuchToValidate;
      now = replay(replayed, now, records, context);
    }
    assert(before.length <= stepRecordsMax, 'the steps of an operation come to an end');
    const within = { ...context, nextOffset: now.endOffset };
    ran = withPolicies(operation, runStep(next, now, within), context, before);
  }
  return ran.ok ? first : ran;
}

/** What reads none of its steps makes a topic's partitions, and few records beside them. */
const stepRecordsMax = limits.partitionsPerTopicMax + limits.recordsPerOperationMax;

const tooMuchToValidate = refuse(
  'INVALID_REQUEST',
  `What writes more than recordsValidatedMax = ${limits.recordsValidatedMax} records step by step is made, or not: it is not validated alone.`,
  { limit: 'recordsValidatedMax', maximum: limits.recordsValidatedMax },
);

function replay(
  builder: ImageBuilder,
  { endOffset }: MetadataImage,
  records: readonly MetadataRecord[],
  { epoch, timestampMs }: OperationContext,
): MetadataImage {
  for (const [at, record] of records.entries()) {
    builder.replay(record, { offset: offset(endOffset + at), epoch, timestampMs });
  }
  return builder.peek();
}

function inputOf({ input }: ControllerRequest): Parameters<typeof runOperation>[2] {
  // Checked against the operation's schemas at the border, by HTTP or by whoever took a forwarded request.
  return input as Parameters<typeof runOperation>[2];
}

/** Step for step; only the last one has an answer, which `finish` puts beside its records. */
function executionOf(
  operation: RegisteredOperation,
  ran: Ran,
  finish: (ran: Ran) => Execution,
  before: readonly MetadataRecord[] = [],
): Execution {
  const step = ran.ok ? (ran.value.next ?? null) : null;
  if (!ran.ok || step === null) return finish(ran);
  const { records } = ran.value;
  return {
    records,
    outcome: ran.value,
    next: (image, context) => {
      const isKept = isJudged(context.policies ?? {}, operation.operationId);
      const soFar = isKept ? [...before, ...records] : [];
      const further = withPolicies(operation, runStep(step, image, context), context, soFar);
      return executionOf(operation, further, finish, soFar);
    },
    mayStandAlready: false,
    answer: () => violated('a step that has others behind it is not answered'),
  };
}

function lastExecution(ran: Ran, answerRecords: readonly MetadataRecord[]): Execution {
  return {
    records: ran.ok ? [...ran.value.records, ...answerRecords] : answerRecords,
    outcome: ran.ok ? ran.value : null,
    next: null,
    mayStandAlready: false,
    answer: (reply, offset) => give(ran, reply, offset),
  };
}

function give(ran: Ran, reply: Reply, offset: Offset): void {
  if (!ran.ok) {
    const { code, message, details } = ran.error;
    reply.fail(code, message, details === undefined ? { offset } : { offset, details });
    return;
  }
  reply.succeed(ran.value.response, offset, tagOf(ran.value));
}

/** What a write has changed has a new tag, which the next read shows. */
function tagOf({ records, modifiedOffset }: OperationOutcome<unknown>): Offset | null {
  return records.length === 0 ? (modifiedOffset ?? null) : null;
}

/** What is remembered under a key: enough to give the same answer again. */
type RememberedAnswer =
  | { readonly response: unknown; readonly tag: Offset | null }
  | { readonly message: string; readonly details: Readonly<Record<string, unknown>> | null };

function encodeAnswer(ran: Ran): Uint8Array {
  const remembered: RememberedAnswer = ran.ok
    ? { response: ran.value.response, tag: tagOf(ran.value) }
    : { message: ran.error.message, details: ran.error.details ?? null };
  return Buffer.from(JSON.stringify(remembered));
}

function giveRecorded(status: ErrorCode | null, answer: Uint8Array, reply: Reply, offset: Offset): void {
  // Written by `encodeAnswer` on this or another controller, and read back from the replicated state.
  const remembered = JSON.parse(
    Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength).toString(),
  ) as RememberedAnswer;
  if (status === null && 'response' in remembered) {
    reply.succeed(remembered.response, offset, remembered.tag);
  } else if (status !== null && 'message' in remembered) {
    const { message, details } = remembered;
    reply.fail(status, message, details === null ? { offset } : { offset, details });
  } else {
    reply.fail('UNKNOWN_SERVER_ERROR', 'The remembered answer cannot be read.', { offset });
  }
}

function keyOf({ idempotencyKey, bareIdempotencyKey }: ControllerRequest): AnswerKey | null {
  if (idempotencyKey !== null) return idempotencyKey;
  return typeof bareIdempotencyKey === 'string' ? { headerKey: bareIdempotencyKey } : null;
}
