import type { FeatureRange, FoundingLevel } from './messages.ts';

/**
 * The newest level of each feature that every voter supports, out of what each of them names (KIP-584). A feature that
 * one of them does not name is left at its beginning.
 */
export function foundingLevels(voters: readonly (readonly FeatureRange[])[]): readonly FoundingLevel[] {
  return commonRanges(voters).map(({ name, max }) => ({ name, level: max }));
}

/** The name of a feature of which no level is supported by all; null when there is none. */
export function findDisagreement(voters: readonly (readonly FeatureRange[])[]): string | null {
  return commonRanges(voters).find(({ min, max }) => min > max)?.name ?? null;
}

/** Whether a node with these ranges can live with the levels. */
export function supportsLevels(features: readonly FeatureRange[], levels: readonly FoundingLevel[]): boolean {
  return levels.every(({ name, level }) =>
    features.some((range) => range.name === name && range.min <= level && level <= range.max),
  );
}

/** What all of them support of what all of them name; empty, with `min` above `max`, where they agree on nothing. */
function commonRanges(voters: readonly (readonly FeatureRange[])[]): readonly FeatureRange[] {
  const [first = [], ...others] = voters;
  return first.flatMap((range) => {
    const ranges = others.map((features) => features.find(({ name }) => name === range.name));
    const named = ranges.filter((other) => other !== undefined);
    if (named.length < ranges.length) return [];
    const min = Math.max(range.min, ...named.map((other) => other.min));
    return [{ name: range.name, min, max: Math.min(range.max, ...named.map((other) => other.max)) }];
  });
}
