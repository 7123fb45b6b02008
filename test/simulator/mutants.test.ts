import { describe, expect, it } from 'vitest';
import { bareHost } from '../../simulator/hosts/bare/bare-host.ts';
import { allMutants } from '../../simulator/mutants/all.ts';
import { hunt } from '../../simulator/mutants/hunt.ts';

/** The hunt ends at the first seed that finds it; the rarest needs eighteen. */
const seedsMax = 40;

describe('the checkers', () => {
  for (const mutant of allMutants) {
    it(`catch this mistake: ${mutant.name}`, () => {
      const found = hunt(mutant, bareHost, 1, seedsMax);
      expect(found, `${mutant.name} (${mutant.source})`).not.toBeNull();
    });
  }
});
