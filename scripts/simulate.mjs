// `npm run simulate -- [arguments]`: prepares the checkout, then runs the simulator in this same process.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endDescendantsOnSignal } from './descendants.mjs';
import { ensure, fail, Refusal, root } from './ensure.mjs';

try {
  await ensure();
  const main = join(root, 'dist', 'simulator', 'main.js');
  if (!existsSync(main)) throw new Refusal('there is no simulator/main.ts yet, so there is nothing to run.');
  // A program with a bug in it may run for ever, and would outlive us.
  endDescendantsOnSignal();
  process.argv = [process.execPath, main, ...process.argv.slice(2)];
  await import(pathToFileURL(main).href);
} catch (error) {
  fail(error);
}
