// Shows that `npm start` and `npm test` do all the set-up by themselves, in clones of this repository: what a
// stranger, an impatient one and a machine do. It installs the packages several times, so that it takes some
// minutes and stands outside of the gate: `node scripts/checks/set-up.mjs`.

import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fail, root } from '../ensure.mjs';

const readyTimeoutMs = 300_000;
const endTimeoutMs = 30_000;
const basePort = 21_000;
const oneTest = ['test', '--', 'test/base/uuid-table.test.ts'];

const folder = mkdtempSync(join(tmpdir(), 'ottla-set-up-'));
let clones = 0;

function clone() {
  const path = join(folder, `clone-${++clones}`);
  execFileSync('git', ['clone', '--quiet', root, path]);
  return path;
}

/** A command of npm in `cwd`, in a process group of its own; what it prints is kept. */
function npm(cwd, args, environment = {}) {
  const child = spawn('npm', args, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const run = { child, output: '', end: null };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      run.output += text;
    });
  }
  run.ended = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      run.end = { code, signal };
      resolve(run.end);
    });
  });
  return run;
}

function start(cwd, environment) {
  return npm(cwd, ['start', '--', '--base-port', String(basePort)], environment);
}

async function until(what, run, condition, timeoutMs) {
  for (const deadlineMs = Date.now() + timeoutMs; Date.now() < deadlineMs; await pause(50)) {
    if (condition()) return;
    if (run.end !== null) break;
  }
  throw new Error(`${what} did not come; the last words were:\n${run.output.slice(-2_000)}`);
}

const ready = (run) => until('"Ready"', run, () => /\bReady\b/.test(run.output), readyTimeoutMs);

/** Processes whose command line or working folder lies in `path`. */
function processesIn(path) {
  const listed = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  return listed.split('\n').filter((line) => line.includes(path) && !line.includes('set-up.mjs'));
}

async function stop(run, path, signal) {
  run.child.kill(signal);
  await until('its end', { ...run, end: null }, () => run.end !== null, endTimeoutMs);
  await until(
    'the end of all its processes',
    { ...run, end: null },
    () => processesIn(path).length === 0,
    endTimeoutMs,
  );
}

function assertClean(path) {
  const status = execFileSync('git', ['status', '--porcelain'], { cwd: path, encoding: 'utf8' });
  if (status !== '') throw new Error(`the checkout is not clean:\n${status}`);
}

async function succeeds(run) {
  const { code } = await run.ended;
  if (code !== 0) throw new Error(`it ended with code ${code}:\n${run.output.slice(-2_000)}`);
}

const first = clone();

const checks = {
  'a fresh clone starts by npm start alone, and stays clean': async () => {
    const run = start(first);
    await ready(run);
    assertClean(first);
    await stop(run, first, 'SIGTERM');
  },
  'a second start finds all in place and the data': async () => {
    const run = start(first);
    await ready(run);
    if (/installing/.test(run.output)) throw new Error('it installs again');
    // Ctrl-C reaches the whole group of processes.
    process.kill(-run.child.pid, 'SIGINT');
    await until('its end', { ...run, end: null }, () => run.end !== null, endTimeoutMs);
    if (processesIn(first).length > 0) throw new Error(`left behind: ${processesIn(first).join('\n')}`);
  },
  'Ctrl-C in the middle of the install, then again': async () => {
    const path = clone();
    const cut = npm(path, oneTest);
    await until('the install', cut, () => existsSync(join(path, 'node_modules', 'vitest')), readyTimeoutMs);
    process.kill(-cut.child.pid, 'SIGINT');
    await cut.ended;
    if (existsSync(join(path, 'node_modules', '.ottla-installed')))
      throw new Error('it was not cut off in the middle');
    await succeeds(npm(path, oneTest));
    assertClean(path);
  },
  'a lock file that has changed is installed again': async () => {
    const lockPath = join(first, 'package-lock.json');
    const before = readFileSync(lockPath);
    appendFileSync(lockPath, '\n');
    const run = npm(first, oneTest);
    await succeeds(run);
    writeFileSync(lockPath, before);
    if (!/installing/.test(run.output)) throw new Error('it does not install');
    await succeeds(npm(first, oneTest));
  },
  'NODE_ENV=production and ignore-scripts change nothing': async () => {
    const path = clone();
    await succeeds(npm(path, oneTest, { NODE_ENV: 'production', npm_config_ignore_scripts: 'true' }));
    assertClean(path);
  },
  'two at once share one install': async () => {
    const path = clone();
    const both = [npm(path, oneTest), npm(path, oneTest)];
    for (const run of both) await succeeds(run);
    const installs = both.filter((run) => /installing/.test(run.output)).length;
    if (installs !== 1) throw new Error(`${installs} of them installed`);
    assertClean(path);
  },
  'the lock file passes npm ci --engine-strict in an empty clone and names no hosts': async () => {
    const path = clone();
    await succeeds(npm(path, ['ci', '--engine-strict', '--no-audit', '--no-fund']));
    const lock = readFileSync(join(path, 'package-lock.json'), 'utf8');
    if (lock.includes('"resolved"')) throw new Error('it names hosts');
    assertClean(path);
  },
};

try {
  let failures = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`shown on Node.js ${process.versions.node}: ${name}`);
    } catch (error) {
      failures += 1;
      console.log(`FAILED: ${name}\n${error.message}`);
    }
  }
  if (failures > 0) process.exitCode = 1;
} catch (error) {
  fail(error);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
