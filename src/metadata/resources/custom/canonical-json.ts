import { compareStrings } from '../../../base/compare.ts';

/**
 * JSON text of a plain value, the same for equal values however their members were ordered: what is equal is written
 * once, and has one digest.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((member: unknown) => canonicalJson(member)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => compareStrings(left, right));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}
