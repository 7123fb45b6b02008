import { createVitest, type Reporter, type Vitest } from 'vitest/node';

/** What a process that runs tests is asked: the changed file, and tests by the beginnings of their paths. */
export type TestTask = { readonly changedPath: string; readonly tests: readonly string[] };

/** The name of a test that failed; null when all passed. */
export type TestAnswer = { readonly failed: string | null };

/**
 * A process that keeps vitest at hand for the sources in its only argument, so that a run costs what the
 * tests cost. All files of a run share one process, which is a new one for each run.
 */
const root = process.argv[2] ?? '.';
/** Of the run under way: vitest's own state remembers those of earlier runs, too. */
let failedTests: string[] = [];
let failedFiles: string[] = [];
/** The file that the last run has seen changed is as it was by now. */
let changedBefore: string | null = null;
const reporter: Reporter = {
  onTestCaseResult: (test) => {
    if (test.result().state === 'failed')
      failedTests.push(`${test.module.relativeModuleId}: ${test.fullName}`);
  },
  onTestModuleEnd: (module) => {
    if (module.state() === 'failed') failedFiles.push(`${module.relativeModuleId} cannot be loaded`);
  },
};
const running = createVitest('test', {
  root,
  watch: false,
  bail: 1,
  reporters: [reporter],
  maxWorkers: 1,
  isolate: false,
  cache: false,
});

process.on('message', (task: TestTask) => {
  void running.then(async (vitest) => process.send?.(await runTests(vitest, task)));
});
// What vitest has begun must not outlive this process, which leads their group.
process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'));

async function runTests(vitest: Vitest, { changedPath, tests }: TestTask): Promise<TestAnswer> {
  if (changedBefore !== null) vitest.invalidateFile(changedBefore);
  vitest.invalidateFile(changedPath);
  changedBefore = changedPath;
  const specifications = await vitest.globTestSpecifications([...tests]);
  if (specifications.length < tests.length)
    throw new Error(`some of these tests are gone: ${tests.join(', ')}`);
  failedTests = [];
  failedFiles = [];
  const { unhandledErrors } = await vitest.runTestSpecifications(specifications, true);
  // A file fails with its tests, and may be told of before them.
  const failed = failedTests[0] ?? failedFiles[0];
  if (failed !== undefined) return { failed };
  return { failed: unhandledErrors.length === 0 ? null : 'an error outside of any test' };
}
