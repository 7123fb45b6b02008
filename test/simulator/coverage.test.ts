import { describe, expect, it } from 'vitest';
import { coverageMarks } from '../../src/base/coverage-marks.ts';
import { seedResult } from '../../simulator/command/seed-result.ts';
import { coverageFault, coverageText, judgedAfterRuns, missedMarks } from '../../simulator/coverage.ts';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import { nodeHost } from '../../simulator/hosts/node/node-host.ts';
import { runSchedule } from '../../simulator/run.ts';
import { Summary } from '../../simulator/summary.ts';

const all: Readonly<Record<string, number>> = Object.fromEntries(coverageMarks.map((mark) => [mark, 2]));
const [first, second] = coverageMarks;

describe('the coverage of many runs', () => {
  it('is faulted for a mark that none of enough runs has reached, by its name', () => {
    const counts = { ...all, [second]: 0 };
    expect(coverageFault(judgedAfterRuns, counts)).toContain(second);
    expect(coverageFault(judgedAfterRuns, counts)).not.toContain(first);
  });

  it('is not faulted while the runs are too few to say so, nor when every mark was reached', () => {
    expect(coverageFault(judgedAfterRuns - 1, {})).toBeNull();
    expect(coverageFault(judgedAfterRuns, all)).toBeNull();
  });

  it('says how many marks were reached, which least and which not', () => {
    const text = coverageText({ ...all, [first]: 1, [second]: 0 });
    expect(text).toContain(`coverage: ${coverageMarks.length - 1} of ${coverageMarks.length} marks reached`);
    expect(text).toContain(`  least: ${first} (1)`);
    expect(text).toContain(`  not: ${second}`);
  });
});

describe('the coverage of one run', () => {
  it('is what its nodes passed, the same each time, and summed with that of others', () => {
    const run = (): ReturnType<typeof seedResult> =>
      seedResult(
        { host: 'node', workload: 'mixed' },
        runSchedule({ schedule: generateSchedule(3), host: nodeHost }),
        0,
      );
    const result = run();
    const { coverage } = result.groups;
    expect(Object.keys(coverage).length).toBeGreaterThan(10);
    expect(run().groups.coverage).toEqual(coverage);
    const summary = new Summary();
    summary.add(result);
    summary.add(result);
    const doubled = Object.fromEntries(Object.entries(coverage).map(([mark, count]) => [mark, 2 * count]));
    expect(summary.totals.groups.coverage).toEqual(doubled);
    expect(missedMarks(doubled).length).toBeLessThan(coverageMarks.length);
  });
});
