// `npm run verify`: every check of this project, one after the other, each with its own result. It goes on after
// a failure, so that one run shows everything there is to mend.
//
//   --without=<name>,<name>   leaves these steps out, because the caller has run them
//   --results=<file>          also writes the results there, as JSON

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endDescendantsOnSignal } from './descendants.mjs';
import { ensure, fail, Refusal, root } from './ensure.mjs';

const steps = [
  { name: 'types', run: checkTypes },
  { name: 'lint', run: () => tool('oxlint/bin/oxlint', '--deny-warnings') },
  { name: 'format', run: () => tool('@biomejs/biome/bin/biome', 'format', '.') },
  { name: 'floors', run: () => tool('vitest/vitest.mjs', 'run', 'test/architecture') },
  { name: 'tests', run: () => node(join(root, 'scripts', 'test.mjs'), []) },
  // Fixed seeds and fresh ones; its first lines say where the fresh ones begin.
  // The fixed seeds, and fresh ones for two minutes; `npm run simulate` and `npm run soak` go on for longer.
  { name: 'simulator', run: () => node(join(root, 'scripts', 'simulate.mjs'), ['--seconds', '120']) },
  { name: 'flushes', run: checkFlushes },
  { name: 'description', run: checkDescription },
  { name: 'unused', run: () => tool('knip/bin/knip.js') },
  {
    name: 'package',
    run: () => packed((file) => tool('publint/src/cli.js', 'run', file, '--strict')),
  },
  {
    name: 'package types',
    run: () =>
      packed((file) =>
        tool('@arethetypeswrong/cli/dist/index.js', file, '--profile', 'esm-only', '--no-emoji'),
      ),
  },
];

/** How a program ended; what it prints is seen as it is printed. */
function exitCodeOf(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('close', resolve);
  });
}

async function endsWell(command, args) {
  return (await exitCodeOf(command, args)) === 0;
}

function node(path, args) {
  return endsWell(process.execPath, [path, ...args]);
}

function tool(path, ...args) {
  return node(join(root, 'node_modules', path), args);
}

/** From scratch: what an earlier check remembered has been seen to outlive a change of the compiler's settings. */
function checkTypes() {
  return tool('typescript/bin/tsc', '--noEmit', '--incremental', 'false', '--tsBuildInfoFile', 'null');
}

/** Needs strace; where that is missing the check says so by this exit code and shows nothing. */
const leftOutExitCode = 77;

async function checkFlushes() {
  const code = await exitCodeOf(process.execPath, [join(root, 'scripts', 'checks', 'strace.mjs')]);
  return code === leftOutExitCode ? { leftOut: 'strace is missing' } : code === 0;
}

/** Needs Python, pip and a registry of Python's packages; says what is missing by the same exit code. */
async function checkDescription() {
  const code = await exitCodeOf(process.execPath, [join(root, 'scripts', 'checks', 'schemathesis.mjs')]);
  return code === leftOutExitCode ? { leftOut: 'Python, pip or the network is missing' } : code === 0;
}

/** Checks the file that would be published, and not the folder that it is made from. */
async function packed(check) {
  await ensure();
  const temporary = join(root, '.tmp');
  mkdirSync(temporary, { recursive: true });
  const folder = mkdtempSync(join(temporary, 'package-'));
  try {
    if (!(await endsWell('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder])))
      return false;
    const [file] = readdirSync(folder);
    return await check(join(folder, file));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function chosen(without) {
  const unknown = without.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) throw new Refusal(`there is no step named ${unknown.join(', ')}.`);
  return steps.filter((step) => !without.includes(step.name));
}

async function runStep(step) {
  console.log(`\n── ${step.name}`);
  try {
    const outcome = await step.run();
    if (typeof outcome === 'object') return { name: step.name, result: 'left out', reason: outcome.leftOut };
    return { name: step.name, result: outcome ? 'passed' : 'failed' };
  } catch (error) {
    return { name: step.name, result: 'failed', reason: error.message };
  }
}

function lineOf({ name, result, reason }) {
  return `${result.padEnd(8)}  ${name}${reason === undefined ? '' : ` (${reason})`}`;
}

async function verify() {
  const { values } = parseArgs({
    options: { without: { type: 'string', default: '' }, results: { type: 'string' } },
  });
  const selected = chosen(values.without.split(',').filter((name) => name !== ''));
  await ensure({ withBuild: false });
  endDescendantsOnSignal();
  const outcomes = [];
  for (const step of selected) {
    const outcome = await runStep(step);
    console.log(lineOf(outcome));
    outcomes.push(outcome);
  }
  const count = (result) => outcomes.filter((outcome) => outcome.result === result).length;
  console.log(`\n${outcomes.map(lineOf).join('\n')}\n`);
  console.log(`${count('passed')} passed, ${count('failed')} failed`);
  if (values.results !== undefined) writeFileSync(values.results, JSON.stringify(outcomes));
  if (count('failed') > 0) process.exitCode = 1;
}

await verify().catch(fail);
