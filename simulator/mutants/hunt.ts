import { generateSchedule } from '../faults/generate.ts';
import type { HostKind } from '../hosts/host.ts';
import { runSchedule } from '../run.ts';
import { propertyOf } from '../violation.ts';
import type { Mutant } from './mutant.ts';

export type Catch = {
  readonly seed: number;
  readonly seeds: number;
  readonly property: string;
  readonly message: string;
};

/** Runs a planted bug under one seed after another until a checker catches it; null when none has. */
export function hunt(mutant: Mutant, host: HostKind, firstSeed: number, seedsMax: number): Catch | null {
  for (let seed = firstSeed; seed < firstSeed + seedsMax; seed++) {
    const { violation } = runSchedule({ schedule: generateSchedule(seed), host, wrapCore: mutant.wrapCore });
    if (violation === null) continue;
    const property = propertyOf(violation);
    return { seed, seeds: seed - firstSeed + 1, property, message: violation.message };
  }
  return null;
}
