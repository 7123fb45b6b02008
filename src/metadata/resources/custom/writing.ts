import { assert } from '../../../base/assert.ts';
import type { KeyedTable } from '../../../base/keyed-table.ts';
import { failed, ok, type Result } from '../../../base/result.ts';
import { refuse } from '../../define-operation.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationError } from '../../operation.ts';
import { canonicalJson } from './canonical-json.ts';
import { featureOfKind, type ResourceKind } from './kind.ts';
import { readRow, rowsOf } from './rows.ts';
import type { ResourceRow } from './state.ts';

export type KnownKind = {
  readonly kind: ResourceKind;
  readonly rows: KeyedTable<string, ResourceRow>;
};

export function findKind(image: MetadataImage, name: string): Result<KnownKind, OperationError> {
  const kind = image.registry.kinds.get(name)?.kind;
  const rows = rowsOf(image, name);
  if (kind !== undefined && rows !== null) return ok({ kind, rows });
  const known = [...image.registry.kinds.keys()].join(', ') || 'none at all';
  return refuse('UNKNOWN_RESOURCE_KIND', `This controller knows no kind ${name}; it knows ${known}.`);
}

/** The kind, and the version in which a value given in `asked` is written: only what every controller can read. */
export function findWritable(
  image: MetadataImage,
  name: string,
  asked: number | undefined,
): Result<KnownKind & { readonly version: number }, OperationError> {
  const found = findKind(image, name);
  if (!found.ok) return found;
  const feature = featureOfKind(name);
  const level = image.feature.finalized.get(feature)?.featureLevel ?? 0;
  if (level === 0) {
    const message = `The kind ${name} is not finalized: once every controller was given it, raise ${feature} to ${found.value.kind.version}.`;
    return refuse('UNSUPPORTED_VERSION', message, { feature, featureLevel: 0 });
  }
  const version = asked ?? level;
  if (version <= level) return ok({ ...found.value, version });
  const message = `Version ${version} of the kind ${name} cannot be written: ${feature} is finalized at level ${level}.`;
  return refuse('UNSUPPORTED_VERSION', message, { feature, featureLevel: level });
}

/** The text to be written, when neither the schemas nor the kind's own rule refuse it. */
export function judgeValue(
  image: MetadataImage,
  { kind, rows, version }: KnownKind & { readonly version: number },
  key: string,
  value: unknown,
): Result<string, OperationError> {
  const faultOfKey = kind.faultOfKey(key);
  if (faultOfKey !== null) return invalid(`The key ${faultOfKey}.`);
  const text = canonicalJson(value);
  if (text.length > limits.resourceTextLengthMax) {
    const { resourceTextLengthMax: maximum } = limits;
    const message = `The value has ${text.length} characters as JSON, and may have resourceTextLengthMax = ${maximum}.`;
    return refuse('INVALID_RESOURCE', message, { limit: 'resourceTextLengthMax', maximum });
  }
  const row = { key, version, value: text, lastModified: 0 };
  const read = readRow(kind, row);
  if (!read.ok) return invalid(`The value ${read.error}.`);
  const get = (other: string): unknown => {
    const found = rows.get(other);
    const its = found === null ? null : readRow(kind, found);
    return its?.ok === true ? its.value : null;
  };
  const refusal: unknown = kind.validate?.(read.value, { key, before: get(key), get, image });
  if (refusal === undefined) return ok(text);
  assert(typeof refusal === 'string', `validate of the kind ${kind.name} gives a sentence or undefined`);
  return invalid(refusal);
}

function invalid(message: string): ReturnType<typeof failed<OperationError>> {
  return failed({ code: 'INVALID_RESOURCE', message });
}
