import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { afterAll, describe, expect, it } from 'vitest';
import { outputPath } from '../../simulator/command/files.ts';
import { escaping } from '../../simulator/mutants/escaping.ts';
import { currentPage } from '../../simulator/command/hunt.ts';
import { type Loss, runPool } from '../../simulator/command/pool.ts';
import type { SeedTask } from '../../simulator/command/seed-result.ts';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import { huntBug } from '../../simulator/mutants/hunt-bug.ts';
import { pagePath } from '../../simulator/mutants/page.ts';
import { patchSources } from '../../simulator/mutants/patch-sources.ts';
import { plantBug, readSource } from '../../simulator/mutants/plant-bug.ts';
import type { PlantedBug } from '../../simulator/mutants/planted-bug.ts';
import { type FiledBug, loadPlantedBugs, selectBugs } from '../../simulator/mutants/planted-bugs.ts';
import {
  type BugResult,
  currentResult,
  encodeResults,
  isCaught,
  readResults,
  resultOf,
  resultsPath,
  statesOf,
} from '../../simulator/mutants/results.ts';
import { Search } from '../../simulator/mutants/search.ts';
import { encodeSavedRun } from '../../simulator/saved-run.ts';

const bugs = await loadPlantedBugs();
const results = readResults();

mkdirSync(outputPath(''), { recursive: true });
/** Within the checkout, so that what lies there finds its packages. */
const folder = mkdtempSync(outputPath('test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('planted bugs', () => {
  it.each(bugs)('apply to the sources as they are, and parse: $path', ({ bug }) => {
    const patched = patchSources(bug.patches, readSource);
    if (!patched.ok) throw new Error(patched.error.message);
    for (const [file, text] of patched.value) {
      expect(parseSync(file, text).errors).toEqual([]);
      expect(text).not.toBe(readSource(file));
    }
  });

  it('have names of their own', () => {
    expect(new Set(bugs.map(({ bug }) => bug.name)).size).toBe(bugs.length);
  });

  it('are each another mistake', () => {
    const patches = bugs.map(({ bug }) => JSON.stringify(bug.patches));
    expect(new Set(patches).size).toBe(bugs.length);
  });

  it('are known by their places where they are not found yet', () => {
    const places = new Set(bugs.map(({ path }) => path));
    expect(Object.keys(escaping).filter((path) => !places.has(path))).toEqual([]);
    expect(results.filter((result) => escaping[result.path] !== undefined && isCaught(result))).toEqual([]);
  });

  const wanted = bugs.filter(({ path }) => escaping[path] === undefined);
  it.each(wanted)('are caught by all three searches, as they are now: $path', (filed) => {
    const result = currentResult(results, filed);
    expect(result, 'hunted as it is: npm run mutants').not.toBeNull();
    if (result === null) return;
    expect(isCaught(result)).toBe(true);
    // A run that was ended says nothing of its marks.
    const marks = result.searches.map((search) => search.marks ?? 1);
    expect(Math.max(...marks), `“${result.mark}” is reached`).toBeGreaterThan(0);
  });

  it('are all that there are results of, in the order of their places', () => {
    expect(results).toEqual(bugs.flatMap((filed) => currentResult(results, filed) ?? []));
    expect(readFileSync(resultsPath, 'utf8')).toBe(encodeResults(results));
  });

  it('stand on the page as they stand in the results: npm run mutants -- --page', () => {
    expect(readFileSync(pagePath, 'utf8')).toBe(currentPage());
  });

  it('are chosen by class, place or name', () => {
    const [first] = bugs;
    if (first === undefined) throw new Error('there are none');
    expect(selectBugs(bugs, [])).toEqual(bugs);
    expect(selectBugs(bugs, [first.path])).toEqual([first]);
    expect(selectBugs(bugs, [first.bug.name])).toEqual([first]);
    expect(selectBugs(bugs, ['election']).every(({ path }) => path.startsWith('election/'))).toBe(true);
    expect(() => selectBugs(bugs, ['nothing'])).toThrow('there is no mutant "nothing"; there are:');
  });
});

describe('planting', () => {
  const of = (find: string, replace: string): PlantedBug['patches'] => [{ file: 'a.ts', find, replace }];
  const read = (file: string): string | null => (file === 'a.ts' ? 'one two two' : null);

  it.each([
    ['FILE_NOT_FOUND', [{ file: 'b.ts', find: 'one', replace: '' }]],
    ['TEXT_NOT_FOUND', of('three', '')],
    ['TEXT_FOUND_TWICE', of('two', '')],
  ])('is refused with %s', (code, patches) => {
    const patched = patchSources(patches, read);
    expect(patched.ok ? null : patched.error.code).toBe(code);
  });

  it('is refused with DOES_NOT_PARSE when a patch leaves no program', () => {
    const planted = plantBug(withPatch('return items;', 'return return items;'), join(folder, 'broken'));
    expect(planted.ok ? null : planted.error.code).toBe('DOES_NOT_PARSE');
  });

  it('changes several places of one file, each in what the one before has left', () => {
    const patched = patchSources([...of('one two', 'three'), ...of('three two', 'four')], read);
    expect(patched.ok && [...patched.value]).toEqual([['a.ts', 'four']]);
  });

  it('leaves the build of the checkout as it is', () => {
    const program = join('dist', 'src', 'raft', 'queue.js');
    const before = readFileSync(program, 'utf8');
    const copy = join(folder, 'changed');
    expect(plantBug(withPatch('return items;', 'return null ?? items;'), copy).ok).toBe(true);
    expect(readFileSync(join(copy, program), 'utf8')).toContain('null ?? ');
    expect(readFileSync(program, 'utf8')).toBe(before);
  });
});

describe('a hunt', () => {
  it.each([
    'clients/acknowledges-before-commit',
    'election/sends-before-the-vote-is-durable',
    'brokers/leader-acknowledges-at-append',
  ])('catches what is planted in production code: %s', async (path) => {
    const state = { firstSeed: 1, heldSeeds: 0, caught: null };
    const [filed] = selectBugs(bugs, [path]);
    if (filed === undefined) throw new Error('it is not planted');
    const [found] = await huntBug(filed, {
      states: [state],
      seedsMax: 20,
      workers: 1,
      folder: join(folder, 'hunted'),
      onProgress: () => undefined,
      onAlarm: ({ broken }) => expect(broken).toBeNull(),
    });
    expect(found?.caught).not.toBeNull();
    expect(found?.heldSeeds).toBe((found?.caught?.seed ?? 0) - 1);
  });

  it('is repeated by a saved run that names its mutant', () => {
    const path = join(folder, 'saved.json');
    const mutant = 'acknowledges a write before it is committed';
    writeFileSync(path, encodeSavedRun({ host: 'bare', mutant, schedule: generateSchedule(1) }));
    const args = ['dist/simulator/main.js', '--schedule', path];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stdout).toMatch(/FAILED: reads and writes are linearizable/);
    expect(status).toBe(1);
  });
});

describe('a search', () => {
  const start = { firstSeed: 11, heldSeeds: 0, caught: null };
  const found = (seed: number) => ({ seed, property: 'a property', marks: 1 });

  it('ends at its first seed that shows the bug, in whatever order they are answered', () => {
    const search = new Search(start, 100);
    expect([search.take(), search.take(), search.take(), search.take()]).toEqual([11, 12, 13, 14]);
    search.breaks(found(14));
    search.holds(11);
    expect(search.take()).toBeNull();
    expect(search.state).toEqual({ firstSeed: 11, heldSeeds: 1, caught: null });
    search.breaks(found(13));
    expect(search.isOver).toBe(false);
    search.holds(12);
    expect(search.isOver).toBe(true);
    expect(search.state).toEqual({ firstSeed: 11, heldSeeds: 2, caught: found(13) });
  });

  it('goes on behind a seed that shows nothing of the bug, and repeats what it had run beyond', () => {
    const search = new Search(start, 4);
    for (const seed of [11, 12, 13]) expect(search.take()).toBe(seed);
    search.holds(13);
    search.breaks(found(12));
    search.holds(11);
    search.dismiss();
    expect(search.isOver).toBe(false);
    expect(search.state).toEqual({ firstSeed: 11, heldSeeds: 2, caught: null });
    expect([search.take(), search.take(), search.take()]).toEqual([13, 14, null]);
  });

  it('goes on after the seeds that were run when it was ended', () => {
    const search = new Search(start, 100);
    for (const seed of [11, 12, 13]) expect(search.take()).toBe(seed);
    search.holds(13);
    search.holds(11);
    const next = new Search(search.state, 3);
    expect([next.take(), next.take(), next.take()]).toEqual([12, 13, null]);
    next.holds(12);
    next.holds(13);
    expect(next.isOver).toBe(true);
    expect(next.state.caught).toBeNull();
  });

  it('is kept as a result, and made again from it', () => {
    const filed: FiledBug = { path: 'election/example', bug: withPatch('one', 'two') };
    const states = [
      { firstSeed: 11, heldSeeds: 2, caught: found(13) },
      { firstSeed: 21, heldSeeds: 5, caught: null },
    ];
    const result = resultOf(filed, states);
    expect(result.searches.map(({ seeds }) => seeds)).toEqual([3, 5]);
    expect(statesOf(result)).toEqual(states);
    expect(JSON.parse(encodeResults([result]))).toEqual([result]);
  });

  it('counts for the bug that was hunted and for no other', () => {
    const filed: FiledBug = { path: 'election/example', bug: withPatch('one', 'two') };
    const kept: readonly BugResult[] = [resultOf(filed, [])];
    const renamed = { ...filed, bug: { ...filed.bug, name: 'by another name' } };
    expect(currentResult(kept, renamed)?.name).toBe('by another name');
    expect(currentResult(kept, { ...filed, bug: withPatch('one', 'three') })).toBeNull();
    expect(currentResult(kept, { ...filed, path: 'election/other' })).toBeNull();
  });
});

describe('a pool of processes', () => {
  it.each<readonly [Loss, string]>([
    ['died', 'process.exit(3)'],
    ['silent', 'for (;;);'],
  ])('tells of a seed whose process was lost, and goes on with another: %s', async (loss, act) => {
    const workerPath = join(folder, `${loss}.js`);
    writeFileSync(
      workerPath,
      `process.on('message', (task) => { if (task.seed === 2) { ${act} } process.send(task); });`,
    );
    const seeds = [1, 2, 3];
    let asked = 0;
    const said: string[] = [];
    await runPool({
      workers: 1,
      workerPath,
      next: () => {
        const task = nextTask(seeds);
        asked = task?.seed ?? 0;
        return task;
      },
      onResult: ({ seed }) => void said.push(`${seed}`),
      losses: {
        // The one that never answers is not waited for long, and the others as long as they take.
        get answerWithinMs() {
          return asked === 2 && loss === 'silent' ? 300 : 60_000;
        },
        onLost: ({ seed }, lost) => void said.push(`${seed} ${lost}`),
      },
    });
    expect(said).toEqual(['1', `2 ${loss}`, '3']);
  });
});

function nextTask(seeds: number[]): SeedTask | null {
  const seed = seeds.shift();
  return seed === undefined ? null : { host: 'bare', workload: 'mixed', seed, isRepeated: false };
}

function withPatch(find: string, replace: string): PlantedBug {
  return {
    name: 'an example',
    source: 'this test',
    host: 'bare',
    workload: 'mixed',
    mark: 'boot',
    patches: [{ file: 'src/raft/queue.ts', find, replace }],
  };
}
