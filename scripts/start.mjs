// `npm start`: prepares the checkout, then becomes `ottla dev` in this same process, so that a signal to npm
// reaches the server itself.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure, fail, Refusal, root } from './ensure.mjs';

try {
  await ensure();
  const main = join(root, 'dist', 'src', 'main.js');
  if (!existsSync(main)) throw new Refusal('there is no src/main.ts yet, so there is nothing to start.');
  process.argv = [process.execPath, main, 'dev', ...process.argv.slice(2)];
  await import(pathToFileURL(main).href);
} catch (error) {
  fail(error);
}
