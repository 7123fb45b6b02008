import { isOffset, type Offset } from '../base/brands.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { BatchEntry } from '../client/protocol/batch.ts';
import { commonQueryNames, headerNames } from '../client/protocol/headers.ts';
import { parseIdempotencyKey } from '../client/protocol/idempotency-key.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import type { ControllerRequest } from '../runtime/controller-api.ts';
import type { HttpLimits } from './options.ts';

/** What every operation understands beside its own fields. */
export type Conventions = Pick<
  ControllerRequest,
  | 'consistency'
  | 'minOffset'
  | 'atOffset'
  | 'timeoutMs'
  | 'ifMatch'
  | 'idempotencyKey'
  | 'bareIdempotencyKey'
  | 'validateOnly'
>;

export type RawRequest = {
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
};

export type ReadConventions = {
  readonly conventions: Conventions;
  /** The query without the parameters that were understood here. */
  readonly ownQuery: Readonly<Record<string, unknown>>;
};

/** Reads the common parameters and headers; a failure is a sentence for the caller. */
export function readConventions(
  request: RawRequest,
  kind: OperationDescription['kind'],
  limits: HttpLimits,
): Result<ReadConventions, string> {
  const {
    [commonQueryNames.consistency]: consistencyText,
    [commonQueryNames.minOffset]: minOffsetText,
    [commonQueryNames.atOffset]: atOffsetText,
    [commonQueryNames.timeoutMs]: timeoutText,
    [commonQueryNames.validateOnly]: validateOnlyText,
    ...ownQuery
  } = request.query;

  const consistency = readConsistency(consistencyText, kind);
  if (!consistency.ok) return consistency;
  const minOffset = readOffset(minOffsetText, commonQueryNames.minOffset);
  if (!minOffset.ok) return minOffset;
  const atOffset = readOffset(atOffsetText, commonQueryNames.atOffset);
  if (!atOffset.ok) return atOffset;
  if (atOffset.value !== null && kind !== 'read') return failed(changesThePresent);
  const timeoutMs = readTimeout(timeoutText, limits);
  if (!timeoutMs.ok) return timeoutMs;
  const validateOnly = readValidateOnly(validateOnlyText, kind);
  if (!validateOnly.ok) return validateOnly;
  const ifMatch = readIfMatch(request.headers[headerNames.ifMatch], kind);
  if (!ifMatch.ok) return ifMatch;
  const keys = readKeys(request.headers[headerNames.idempotencyKey], kind);
  if (!keys.ok) return keys;

  return ok({
    conventions: {
      consistency: consistency.value,
      minOffset: minOffset.value,
      atOffset: atOffset.value,
      timeoutMs: timeoutMs.value,
      ifMatch: ifMatch.value,
      validateOnly: validateOnly.value,
      ...keys.value,
    },
    ownQuery,
  });
}

/** The same for an operation of a batch, whose entry was checked against its schema. */
export function readEntryConventions(
  entry: BatchEntry,
  kind: OperationDescription['kind'],
  limits: HttpLimits,
): Result<Conventions, string> {
  const consistency = readConsistency(entry.consistency, kind);
  if (!consistency.ok) return consistency;
  const timeoutMs = entry.timeoutMs ?? limits.requestTimeoutDefaultMs;
  if (timeoutMs > limits.requestTimeoutMaxMs) {
    return failed(`'timeoutMs' must be from 1 to ${limits.requestTimeoutMaxMs}.`);
  }
  const validateOnly = readValidateOnly(entry.validateOnly, kind);
  if (!validateOnly.ok) return validateOnly;
  const keys = readKeys(entry.idempotencyKey, kind);
  if (!keys.ok) return keys;
  const { minOffset, atOffset, ifMatch } = entry;
  if (atOffset !== undefined && kind !== 'read') return failed(changesThePresent);
  return ok({
    consistency: consistency.value,
    minOffset: isOffset(minOffset) ? minOffset : null,
    atOffset: isOffset(atOffset) ? atOffset : null,
    timeoutMs,
    ifMatch: isOffset(ifMatch) && kind !== 'read' ? ifMatch : null,
    validateOnly: validateOnly.value,
    ...keys.value,
  });
}

const changesThePresent = `'${commonQueryNames.atOffset}' is for reads: what changes something is executed on the newest state.`;

function readConsistency(
  text: unknown,
  kind: OperationDescription['kind'],
): Result<Conventions['consistency'], string> {
  if (text === undefined) return ok('linearizable');
  if (text !== 'linearizable' && text !== 'stale') {
    return failed(`'${commonQueryNames.consistency}' must be linearizable or stale.`);
  }
  if (text === 'stale' && kind !== 'read')
    return failed('A write cannot be asked for with consistency=stale.');
  return ok(text);
}

/** As a text of the query, where `?validate_only` without a value means that it is wanted, or as JSON. */
function readValidateOnly(value: unknown, kind: OperationDescription['kind']): Result<boolean, string> {
  if (value === undefined || value === false || value === 'false') return ok(false);
  if (value !== true && value !== 'true' && value !== '') {
    return failed(`'${commonQueryNames.validateOnly}' must be true or false.`);
  }
  return kind === 'read' ? failed('A read changes nothing, so that there is nothing to validate.') : ok(true);
}

const digits = /^(?:0|[1-9]\d{0,15})$/;

function readOffset(text: unknown, name: string): Result<Offset | null, string> {
  if (text === undefined) return ok(null);
  const value = typeof text === 'string' && digits.test(text) ? Number(text) : null;
  return isOffset(value) ? ok(value) : failed(`'${name}' must be an offset, an integer of at least 0.`);
}

function readTimeout(text: unknown, limits: HttpLimits): Result<number, string> {
  if (text === undefined) return ok(limits.requestTimeoutDefaultMs);
  const value = typeof text === 'string' && digits.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= limits.requestTimeoutMaxMs) return ok(value);
  return failed(`'${commonQueryNames.timeoutMs}' must be from 1 to ${limits.requestTimeoutMaxMs}.`);
}

type HeaderValue = string | readonly string[] | undefined;

/** An entity tag is the offset of last modification, with or without its quotation marks. */
const entityTag = /^"?(0|[1-9]\d{0,15})"?$/;

function readIfMatch(header: HeaderValue, kind: OperationDescription['kind']): Result<Offset | null, string> {
  if (header === undefined || kind === 'read') return ok(null);
  const match = typeof header === 'string' ? entityTag.exec(header.trim()) : null;
  const value = match === null ? null : Number(match[1]);
  if (isOffset(value)) return ok(value);
  return failed('If-Match must hold one entity tag as this server gives it: an offset in quotation marks.');
}

type Keys = Pick<Conventions, 'idempotencyKey' | 'bareIdempotencyKey'>;

function readKeys(header: HeaderValue, kind: OperationDescription['kind']): Result<Keys, string> {
  // A read changes nothing; what else takes no key is refused by name where it is executed.
  if (header === undefined || kind === 'read') return ok({ idempotencyKey: null, bareIdempotencyKey: null });
  if (typeof header !== 'string') return failed('Idempotency-Key must be given once.');
  const parsed = parseIdempotencyKey(header.trim());
  if (!parsed.ok) return parsed;
  return parsed.value.form === 'session'
    ? ok({ idempotencyKey: parsed.value.key, bareIdempotencyKey: null })
    : ok({ idempotencyKey: null, bareIdempotencyKey: parsed.value.key });
}
