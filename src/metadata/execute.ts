import type { Result } from '../base/result.ts';
import { refuse, tooManyRecords } from './define-operation.ts';
import type { MetadataImage } from './image.ts';
import { limits } from './limits.ts';
import type {
  OperationContext,
  OperationError,
  OperationInput,
  OperationOutcome,
  OperationStep,
} from './operation.ts';
import type { MetadataRecord, Registry } from './registry.ts';
import { structSizeMax } from './schema-values.ts';
import type { TSchema } from 'typebox';

/** Any operation, for code that treats all of them alike. Its input was checked against its schemas. */
export type AnyOperation = {
  readonly operationId: string;
  handle(
    image: MetadataImage,
    input: OperationInput<TSchema, TSchema, TSchema>,
    context: OperationContext,
  ): Result<OperationOutcome<unknown>, OperationError>;
};

/**
 * Runs an operation and refuses, by name, an outcome that does not fit one batch of the log.
 * (Operations that are larger by nature go on in further batches; see `continueWith`.)
 */
export function runOperation(
  operation: AnyOperation,
  image: MetadataImage,
  input: OperationInput<TSchema, TSchema, TSchema>,
  context: OperationContext,
): Result<OperationOutcome<unknown>, OperationError> {
  return runStep((now, within) => operation.handle(now, input, within), image, context);
}

/** The same for a further step of one (`OperationOutcome.next`). */
export function runStep(
  step: OperationStep<unknown>,
  image: MetadataImage,
  context: OperationContext,
): Result<OperationOutcome<unknown>, OperationError> {
  const result = step(image, context);
  if (!result.ok) return result;
  return findExcess(image.registry, result.value.records) ?? result;
}

/** The refusal when `records` do not fit one batch together with the record of their answer, else null. */
export function findExcess(
  registry: Registry,
  records: readonly MetadataRecord[],
): ReturnType<typeof refuse> | null {
  if (records.length > limits.recordsPerOperationMax) {
    return tooManyRecords(records.length);
  }
  let size = 0;
  for (const record of records) size += recordSizeMax(registry, record);
  if (size <= limits.operationBytesMax) return null;
  return refuse(
    'INVALID_REQUEST',
    `The operation would write up to ${size} bytes; one operation may write operationBytesMax = ${limits.operationBytesMax}.`,
    { limit: 'operationBytesMax', maximum: limits.operationBytesMax },
  );
}

/** An upper bound of the bytes a record takes in a batch: its length, id, version and fields. */
export function recordSizeMax({ recordsByName }: Registry, record: MetadataRecord): number {
  const registered = recordsByName.get(record.type);
  return registered === undefined ? 0 : 4 + 3 + 3 + structSizeMax(registered.schema.fields, record);
}
