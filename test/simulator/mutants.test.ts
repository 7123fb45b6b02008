import { describe, expect, it } from 'vitest';
import { bareHost } from '../../simulator/hosts/bare/bare-host.ts';
import { allMutants } from '../../simulator/mutants/all.ts';
import { hunt } from '../../simulator/mutants/hunt.ts';

describe('the checkers', () => {
  for (const mutant of allMutants) {
    it(`catch this mistake: ${mutant.name}`, () => {
      const found = hunt(mutant, bareHost, 1, 12);
      expect(found, `${mutant.name} (${mutant.source})`).not.toBeNull();
    });
  }
});
