// Counts what `npm test` and `npm run verify` have found, as one. A skipped test counts as a failure unless
// test/skips.json lists it, as { "file", "name", "reason" }, because a check that does not run proves nothing.
//
//   node scripts/summary.mjs <vitest's JSON report> <exit code of npm test> <results of verify>

import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { root } from './ensure.mjs';

const [reportPath, testsExitCode, checksPath] = process.argv.slice(2);

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function permittedSkips() {
  const skips = readJson(join(root, 'test', 'skips.json'));
  if (!Array.isArray(skips)) throw new Error('test/skips.json is not a list');
  for (const { file, name, reason } of skips) {
    const isWhole = [file, name, reason].every((text) => typeof text === 'string' && text !== '');
    if (!isWhole) throw new Error('each entry of test/skips.json has a file, a name and a reason');
  }
  return skips;
}

/** Counts of the tests, and a line for each thing that is wrong with them. */
function countTests(report, skips) {
  const counts = { passed: 0, permitted: 0, problems: [] };
  for (const file of report.testResults) {
    const path = relative(root, file.name).split(sep).join('/');
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
      counts.problems.push(`${path} could not be run`);
    }
    for (const test of file.assertionResults) countTest(counts, path, test, skips);
  }
  return counts;
}

function countTest(counts, path, test, skips) {
  if (test.status === 'passed') counts.passed += 1;
  else if (test.status === 'failed') counts.problems.push(`${path}: ${test.fullName}`);
  else if (skips.some(({ file, name }) => file === path && name === test.fullName)) counts.permitted += 1;
  else counts.problems.push(`${path}: ${test.fullName} was not run, and test/skips.json does not list it`);
}

function summarise() {
  const report = readJson(reportPath);
  const tests =
    report === undefined
      ? { passed: 0, permitted: 0, problems: ['the tests gave no report'] }
      : countTests(report, permittedSkips());
  const problems = [...tests.problems];
  if (testsExitCode !== '0' && problems.length === 0)
    problems.push(`npm test ended with code ${testsExitCode}`);

  const checks = readJson(checksPath) ?? [{ name: 'verify', result: 'failed', reason: 'it gave no results' }];
  const checksWith = (result) => checks.filter((check) => check.result === result);
  for (const { name, reason } of checksWith('failed'))
    problems.push(`${name}${reason ? ` (${reason})` : ''}`);

  console.log('');
  for (const problem of problems) console.log(`failed: ${problem}`);
  for (const { name, reason } of checksWith('left out')) console.log(`left out: ${name} (${reason})`);
  if (tests.permitted > 0) console.log(`skipped, as test/skips.json permits: ${tests.permitted}`);
  console.log(`${tests.passed + checksWith('passed').length} passed, ${problems.length} failed`);
  if (problems.length > 0) process.exitCode = 1;
}

summarise();
