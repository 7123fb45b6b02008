// Measures what a user installs: packs this package, installs it with its production dependencies and nothing else
// into an empty project, and adds up the files. It asks the registry for every package, so that it stands outside of
// the gate: `node scripts/checks/installed-size.mjs`.

import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensure, fail, root } from '../ensure.mjs';

const bytesMax = 40 * 1024 * 1024;

function bytesIn(path) {
  const found = lstatSync(path);
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0);
}

/** Every package that lies in a folder of installed ones, with the bytes of its own. */
function packagesIn(folder) {
  return readdirSync(folder).flatMap((name) => {
    if (name.startsWith('@')) {
      return readdirSync(join(folder, name)).map((part) => sizeOf(folder, join(name, part)));
    }
    return name.startsWith('.') ? [] : [sizeOf(folder, name)];
  });
}

function sizeOf(folder, name) {
  return { name, bytes: bytesIn(join(folder, name)) };
}

function inMebibytes(bytes) {
  return (bytes / 1024 / 1024).toFixed(1);
}

/** The project of a user who has installed this package. */
function install(project) {
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', project];
  execFileSync('npm', pack, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const file = readdirSync(project).find((name) => name.endsWith('.tgz'));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  const options = ['--omit=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...options, `./${file}`], { cwd: project, stdio: 'inherit' });
}

try {
  await ensure();
  const project = mkdtempSync(join(tmpdir(), 'ottla-installed-'));
  try {
    install(project);
    const folder = join(project, 'node_modules');
    const packages = packagesIn(folder).sort((left, right) => right.bytes - left.bytes);
    for (const { name, bytes } of packages.slice(0, 12)) console.log(inMebibytes(bytes).padStart(6), name);
    const bytes = bytesIn(folder);
    console.log(
      `${inMebibytes(bytes)} MiB in ${packages.length} packages, of ${inMebibytes(bytesMax)} MiB at most`,
    );
    if (bytes > bytesMax) process.exitCode = 1;
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
} catch (error) {
  fail(error);
}
