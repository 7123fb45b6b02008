// `npm test`: prepares the checkout, then runs vitest in this same process; arguments go to vitest.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endDescendantsOnSignal } from './descendants.mjs';
import { ensure, fail, root } from './ensure.mjs';

try {
  await ensure();
  // The tests see the same environment whatever the caller's is.
  process.env.NODE_ENV = 'test';
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  process.argv = [process.execPath, vitest, 'run', ...process.argv.slice(2)];
  // The workers, and the servers that tests start, must not outlive a run that was stopped.
  endDescendantsOnSignal();
  await import(pathToFileURL(vitest).href);
} catch (error) {
  fail(error);
}
