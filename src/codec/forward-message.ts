import type { ForwardMessage } from './peer-message-types.ts';
import type { FieldReader } from './field-reader.ts';
import { codecLimits } from './limits.ts';

export function packForwardMessage(message: ForwardMessage): readonly unknown[] {
  if (message.type === 'forwardResponse') return [message.requestId, message.answer];
  const { requestId, operationId, input, idempotencyKey, principal, deadlineMs } = message;
  const key =
    idempotencyKey === null
      ? null
      : [idempotencyKey.sessionId, idempotencyKey.sequence, idempotencyKey.forgetBelow];
  return [requestId, operationId, input, key, principal, deadlineMs];
}

export function readForwardMessage(fields: FieldReader, type: ForwardMessage['type']): ForwardMessage {
  const requestId = fields.count('request id');
  if (type === 'forwardResponse') {
    return { type, requestId, answer: fields.bytes('answer', codecLimits.forwardedBytesMax) };
  }
  return {
    type,
    requestId,
    operationId: fields.text('operation id', codecLimits.operationIdCharactersMax),
    input: fields.bytes('input', codecLimits.forwardedBytesMax),
    idempotencyKey: fields.orNull(() => fields.nested('idempotency key', readIdempotencyKey)),
    principal: fields.text('principal', codecLimits.principalCharactersMax),
    deadlineMs: fields.count('deadline'),
  };
}

function readIdempotencyKey(fields: FieldReader): {
  readonly sessionId: number;
  readonly sequence: number;
  readonly forgetBelow: number;
} {
  return {
    sessionId: fields.count('session id'),
    sequence: fields.count('sequence'),
    forgetBelow: fields.count('lowest remembered sequence'),
  };
}
