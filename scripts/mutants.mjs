// `npm run mutants -- [arguments]`: prepares the checkout, then hunts planted bugs in copies of its build.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endDescendantsOnSignal } from './descendants.mjs';
import { ensure, fail, root } from './ensure.mjs';

try {
  await ensure();
  const main = join(root, 'dist', 'simulator', 'command', 'mutants.js');
  process.argv = [process.execPath, main, ...process.argv.slice(2)];
  process.chdir(root);
  // A program with a bug in it may run for ever, and would outlive us.
  endDescendantsOnSignal();
  await import(pathToFileURL(main).href);
} catch (error) {
  fail(error);
}
