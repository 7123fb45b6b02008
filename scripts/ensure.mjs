// Brings this checkout to the point where it can run: the right Node.js, the packages of the lock file, and a
// build of the sources as they are. What is in place already is left alone, so that it costs next to nothing
// to call this each time. It needs no package itself, because it runs before there are any.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endDescendantsOnSignal } from './descendants.mjs';
import { acquireLock } from './lock.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const installStampPath = join(root, 'node_modules', '.ottla-installed');
const buildStampPath = join(root, 'dist', '.ottla-built');
const sourceFolders = ['src', 'simulator', 'bench', 'scripts'];

/** A failure whose message says all there is to say: it is printed without a stack. */
export class Refusal extends Error {}

function say(message) {
  process.stderr.write(`ottla: ${message}\n`);
}

function readIfPresent(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function checkNodeVersion() {
  const [, major, minor] = /^>=(\d+)\.(\d+)\./.exec(readJson(join(root, 'package.json')).engines.node);
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
  if (ownMajor > Number(major) || (ownMajor === Number(major) && ownMinor >= Number(minor))) return;
  throw new Refusal(`Node.js ${major}.${minor} or newer is needed, and this is ${process.versions.node}.`);
}

/** Which C library Linux has: the packages' binaries differ by it, and node_modules may be mounted elsewhere. */
function libcFamily() {
  if (process.platform !== 'linux') return '';
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

/** Everything that decides what `npm ci` puts in place; the rest of package.json may change freely. */
function wantedInstall() {
  const { dependencies, devDependencies, optionalDependencies, overrides, allowScripts } = readJson(
    join(root, 'package.json'),
  );
  const hash = createHash('sha256');
  hash.update(JSON.stringify([dependencies, devDependencies, optionalDependencies, overrides, allowScripts]));
  hash.update(readFileSync(join(root, 'package-lock.json')));
  const target = [process.versions.modules, process.platform, process.arch, libcFamily()];
  return `${hash.digest('hex')} ${target.join(' ')}\n`;
}

function filesBelow(folder) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

function wantedBuild(install) {
  // What is not compiled, such as a page or results, changes no build.
  const sources = sourceFolders
    .flatMap((folder) => filesBelow(join(root, folder)))
    .filter((path) => path.endsWith('.ts'));
  const files = [...sources, join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')];
  const hash = createHash('sha256').update(install);
  for (const path of files.sort((left, right) => (left < right ? -1 : 1))) {
    const bytes = readFileSync(path);
    hash.update(`${relative(root, path)}\0${bytes.length}\0`).update(bytes);
  }
  return `${hash.digest('hex')}\n`;
}

/** Runs a command to its end; what it prints goes to stderr, beside our messages. */
function run(lock, purpose, command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', process.stderr, process.stderr] });
    if (child.pid !== undefined) lock.shareWith(child.pid);
    child.on('error', (error) => reject(new Refusal(`${purpose} could not be started: ${error.message}.`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Refusal(`${purpose} ended with ${signal ?? `code ${code}`}.`));
    });
  });
}

async function install(lock, wanted) {
  say('installing the packages of package-lock.json …');
  // The stamp goes first and comes last: whatever interrupts what lies between, the next run starts it again.
  rmSync(installStampPath, { force: true });
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const ownNpm = process.env.npm_execpath;
  const [command, ...first] = basename(ownNpm ?? '') === 'npm-cli.js' ? [process.execPath, ownNpm] : ['npm'];
  await run(lock, 'the installation', command, [...first, ...args]);
  mkdirSync(dirname(installStampPath), { recursive: true });
  writeFileSync(installStampPath, wanted);
}

async function build(lock, wanted) {
  say('building …');
  const [next, previous] = ['dist.next', 'dist.previous'].map((name) => join(root, name));
  rmSync(next, { recursive: true, force: true });
  rmSync(previous, { recursive: true, force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await run(lock, 'the build', process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', next]);
  mkdirSync(next, { recursive: true });
  writeFileSync(join(next, basename(buildStampPath)), wanted);
  // A build that is whole takes the old one's place by two renames, so that nobody meets half of one.
  try {
    renameSync(join(root, 'dist'), previous);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  renameSync(next, join(root, 'dist'));
  rmSync(previous, { recursive: true, force: true });
}

/** What is missing, as functions that put it in place; empty when all is. */
function missing(withBuild) {
  const wantedInstallation = wantedInstall();
  const steps = [];
  if (readIfPresent(installStampPath) !== wantedInstallation)
    steps.push((lock) => install(lock, wantedInstallation));
  const wanted = withBuild ? wantedBuild(wantedInstallation) : undefined;
  if (withBuild && readIfPresent(buildStampPath) !== wanted) steps.push((lock) => build(lock, wanted));
  return steps;
}

/**
 * Returns when the packages are installed and, unless `withBuild` is false, `dist` is built from the sources
 * as they are. Throws a Refusal with the reason when that cannot be had.
 */
export async function ensure({ withBuild = true } = {}) {
  checkNodeVersion();
  if (missing(withBuild).length === 0) return;
  const lock = await acquireLock(join(root, '.tmp', 'ensure.lock'), (pid) =>
    say(`waiting for process ${pid}, which is preparing this checkout …`),
  );
  const forgetSignals = endDescendantsOnSignal(lock.release);
  try {
    // Asked again, because whoever held the lock before has probably done it.
    for (const step of missing(withBuild)) await step(lock);
  } finally {
    forgetSignals();
    lock.release();
  }
}

/** Prints a refusal as one line and anything else whole, and has the process end with a failure. */
export function fail(error) {
  if (error instanceof Refusal) say(error.message);
  else process.stderr.write(`${error?.stack ?? error}\n`);
  process.exitCode = 1;
}
