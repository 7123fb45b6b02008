import { createHash } from 'node:crypto';
import type { GenericMutant } from './generic-mutant.ts';

/**
 * About `share` (at most 1) of the mutants, the same ones each time and, as far as possible, after a change
 * of the sources too. Of each operator in each file it takes its share, rounded up or down by lot, so that
 * small files are neither left out nor overrated.
 */
export function sampleMutants(mutants: readonly GenericMutant[], share: number): readonly GenericMutant[] {
  const strata = new Map<string, GenericMutant[]>();
  for (const mutant of mutants) {
    const name = `${mutant.file} ${mutant.operator}`;
    const members = strata.get(name);
    if (members === undefined) strata.set(name, [mutant]);
    else members.push(mutant);
  }
  const chosen = new Set<GenericMutant>();
  for (const [name, members] of strata) {
    const count = Math.floor(members.length * share + fractionOf(name));
    const inLotOrder = members.toSorted((left, right) => (left.hash < right.hash ? -1 : 1));
    for (const mutant of inLotOrder.slice(0, count)) chosen.add(mutant);
  }
  return mutants.filter((mutant) => chosen.has(mutant));
}

/** At least 0 and below 1, evenly over all names. */
function fractionOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0) / 2 ** 32;
}
