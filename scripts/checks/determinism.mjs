// `node scripts/checks/determinism.mjs [--count N] [--with <version>]`: the same seeds under this Node.js and under
// others (20 and 24 by default, which npx fetches), and whether each seed gave the same digest everywhere.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensure, fail, Refusal, root } from '../ensure.mjs';

const hosts = ['node', 'bare'];

function linesOf(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Refusal(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout.trim().split('\n');
}

/** "host seed digest" for each seed, and the version that ran them. */
function digestsUnder(version, count) {
  const main = join(root, 'dist', 'simulator', 'main.js');
  const run = (...args) =>
    version === null
      ? linesOf(process.execPath, args)
      : linesOf('npx', ['--yes', '-p', `node@${version}`, 'node', ...args]);
  const [name] = run('--version');
  const digests = hosts.flatMap((host) =>
    run(main, '--digests', '--seed', '1', '--count', String(count), '--host', host),
  );
  return { name, digests };
}

async function compare() {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '40' },
      with: { type: 'string', multiple: true, default: ['20', '24'] },
    },
  });
  await ensure();
  const own = digestsUnder(null, Number(values.count));
  console.log(`${own.name}: ${own.digests.length} digests`);
  let differences = 0;
  for (const version of values.with) {
    const other = digestsUnder(version, Number(values.count));
    const different = own.digests.filter((line, at) => line !== other.digests[at]);
    differences += different.length;
    console.log(`${other.name}: ${different.length} of ${other.digests.length} digests differ`);
    for (const line of different) console.log(`  ${line}`);
  }
  if (differences > 0) process.exitCode = 1;
}

await compare().catch(fail);
