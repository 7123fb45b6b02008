import { describe, expect, it } from 'vitest';
import { callSalts, seedSalts, workloadSalts } from '../../simulator/faults/salts.ts';

describe('the salts of chance', () => {
  it.each([
    ['a seed', seedSalts],
    ['a workload', workloadSalts],
    ['a call', callSalts],
  ])('of %s are no two alike', (_of, salts) => {
    const numbers = Object.values(salts);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('of a workload meet one of a seed only where that is not drawn beside it', () => {
    const shared = Object.entries(seedSalts).filter(([, salt]) =>
      Object.values<number>(workloadSalts).includes(salt),
    );
    // Suspensions come in the company of what a seed has, which no run of long partitions alone does.
    expect(shared.map(([matter]) => matter)).toEqual(['suspensions']);
  });
});
