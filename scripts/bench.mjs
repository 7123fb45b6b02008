// `npm run bench -- <name> [arguments]`: prepares the checkout, then runs one benchmark in this same process.
// A benchmark is a file bench/<name>.ts that exports `run(arguments)`, or that function as its default.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure, fail, Refusal, root } from './ensure.mjs';

const folder = join(root, 'dist', 'bench');

function names() {
  if (!existsSync(folder)) return [];
  return (
    readdirSync(folder)
      // The report is what benchmarks share; it measures nothing itself.
      .filter((file) => file.endsWith('.js') && file !== 'report.js')
      .map((file) => file.slice(0, -'.js'.length))
  );
}

try {
  await ensure();
  const [name, ...rest] = process.argv.slice(2);
  if (!names().includes(name)) {
    const known = names().join(', ') || 'none yet';
    throw new Refusal(`usage: npm run bench -- <name> [arguments]; the names are: ${known}.`);
  }
  const path = join(folder, `${name}.js`);
  process.argv = [process.execPath, path, ...rest];
  const benchmark = await import(pathToFileURL(path).href);
  const run = benchmark.run ?? benchmark.default;
  if (typeof run !== 'function') throw new Refusal(`bench/${name}.ts exports neither run nor a default.`);
  await run(rest);
} catch (error) {
  fail(error);
}
