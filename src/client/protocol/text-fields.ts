import type { TSchema } from 'typebox';

/**
 * Path and query parameters arrive as text. What a schema calls an integer or a boolean becomes one when
 * the text is exactly that; everything else stays as it is, for the schema to refuse. Nothing is rounded
 * or guessed: `5.5`, `0x10` and the empty text are no integers.
 */
export function textToFields(
  schema: TSchema,
  text: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const properties = propertiesOf(schema);
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(text)) {
    const property = properties[name];
    fields[name] = property === undefined ? value : convert(property, value);
  }
  return fields;
}

/** A schema as plain JSON Schema, of which only these keywords are looked at. */
type Keywords = {
  readonly type?: unknown;
  readonly properties?: unknown;
  readonly items?: unknown;
  readonly anyOf?: unknown;
};

/** The properties of an object schema by name; empty for any other. */
export function propertiesOf(schema: TSchema): Readonly<Record<string, TSchema>> {
  const properties = keywords(schema).properties;
  // The border to TypeBox: `properties` of an object schema holds schemas by name.
  return isRecord(properties) ? (properties as Record<string, TSchema>) : {};
}

export function requiredNamesOf(schema: TSchema): readonly string[] {
  const required = (schema as { readonly required?: unknown }).required;
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}

function convert(schema: TSchema, value: unknown): unknown {
  const { type, items, anyOf } = keywords(schema);
  if (type === 'array') return convertList(items, value);
  if (typeof value !== 'string') return value;
  if (Array.isArray(anyOf)) return convertUnion(anyOf, value);
  if (type === 'integer' || type === 'number') return toInteger(value);
  if (type === 'boolean') return toBoolean(value);
  return value;
}

/** A list is given as `?id=1&id=2` or as `?id=1,2`. */
function convertList(items: unknown, value: unknown): unknown {
  const parts = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : null;
  if (parts === null) return value;
  return isRecord(items) ? parts.map((part) => convert(items as TSchema, part)) : parts;
}

/** The first alternative that changes the text wins; a union of texts leaves it alone. */
function convertUnion(alternatives: readonly unknown[], value: string): unknown {
  for (const alternative of alternatives) {
    if (!isRecord(alternative)) continue;
    const converted = convert(alternative as TSchema, value);
    if (converted !== value) return converted;
  }
  return value;
}

const integerPattern = /^-?(?:0|[1-9]\d{0,15})$/;

function toInteger(value: string): unknown {
  const number = integerPattern.test(value) ? Number(value) : null;
  return Number.isSafeInteger(number) ? number : value;
}

function toBoolean(value: string): unknown {
  // `?verbose` without a value means that it is wanted.
  if (value === 'true' || value === '') return true;
  return value === 'false' ? false : value;
}

function keywords(schema: TSchema): Keywords {
  return schema as Keywords;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
