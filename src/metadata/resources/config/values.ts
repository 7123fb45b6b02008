import { assertNever } from '../../../base/assert.ts';
import type { ConfigDefinition } from './definition.ts';

const ranges = {
  int: ['-2147483648', '2147483647'],
  long: ['-9223372036854775808', '9223372036854775807'],
} as const;

const wholeNumber = /^-?\d{1,19}$/;
const decimal = /^-?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?$/;

/** Why `value` is none of this config, to be put behind its name; null when it is one. A password is not repeated. */
export function findValueFault(definition: ConfigDefinition, value: string): string | null {
  const { type } = definition;
  switch (type) {
    case 'boolean':
      return value === 'true' || value === 'false' ? null : `is ${quoted(value)}, and must be true or false`;
    case 'int':
    case 'long':
      return wholeNumber.test(value)
        ? findRangeFault(definition, type, value)
        : `is ${quoted(value)}, and must be a whole number`;
    case 'double':
      return decimal.test(value)
        ? findDoubleFault(definition, value)
        : `is ${quoted(value)}, and must be a number`;
    case 'string':
      return findMemberFault(definition, [value]);
    case 'list':
      return definition.minimum === null
        ? findMemberFault(definition, membersOfList(value))
        : findNumberFault(definition, membersOfList(value));
    case 'password':
      return null;
    default:
      return assertNever(type);
  }
}

/** Digits alone: what a double loses, a long has. */
function findRangeFault(
  { minimum, maximum }: ConfigDefinition,
  type: keyof typeof ranges,
  value: string,
): string | null {
  const [typeMinimum, typeMaximum] = ranges[type];
  const number = BigInt(value);
  const low = minimum ?? typeMinimum;
  const high = maximum ?? typeMaximum;
  return number < BigInt(low) || number > BigInt(high)
    ? `is ${value}, and must be from ${low} to ${high}`
    : null;
}

function findDoubleFault({ minimum, maximum }: ConfigDefinition, value: string): string | null {
  const number = Number(value);
  const isInside =
    (minimum === null || number >= Number(minimum)) && (maximum === null || number <= Number(maximum));
  if (isInside && Number.isFinite(number)) return null;
  return `is ${value}, and must be from ${minimum ?? 'any'} to ${maximum ?? 'any'}`;
}

function findNumberFault(definition: ConfigDefinition, members: readonly string[]): string | null {
  for (const member of members) {
    if (!wholeNumber.test(member)) return `has ${quoted(member)}, which must be a whole number`;
    const fault = findRangeFault(definition, 'int', member);
    if (fault !== null) return fault;
  }
  return null;
}

function findMemberFault({ allowed }: ConfigDefinition, members: readonly string[]): string | null {
  const unknown = allowed === null ? undefined : members.find((member) => !allowed.includes(member));
  if (unknown === undefined || allowed === null) return null;
  return `is ${quoted(unknown)}, and must be one of ${allowed.join(', ')}`;
}

/** Empty for the empty text, as in Kafka. */
export function membersOfList(value: string): readonly string[] {
  return value
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
}

const shownLengthMax = 60;

function quoted(value: string): string {
  return value.length > shownLengthMax ? `'${value.slice(0, shownLengthMax)}…'` : `'${value}'`;
}
