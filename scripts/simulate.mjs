// `npm run simulate -- [arguments]`: prepares the checkout, then runs the simulator in this same process.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure, fail, Refusal, root } from './ensure.mjs';

try {
  await ensure();
  const main = join(root, 'dist', 'simulator', 'main.js');
  if (!existsSync(main)) throw new Refusal('there is no simulator/main.ts yet, so there is nothing to run.');
  process.argv = [process.execPath, main, ...process.argv.slice(2)];
  await import(pathToFileURL(main).href);
} catch (error) {
  fail(error);
}
