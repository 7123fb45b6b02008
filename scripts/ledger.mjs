// `npm run ledger -- [--minutes N] [--seed N]`: prepares the checkout, then runs a cluster of processes under faults
// and compares what producers were told with what is there.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endDescendantsOnSignal } from './descendants.mjs';
import { ensure, fail, root } from './ensure.mjs';

try {
  await ensure();
  endDescendantsOnSignal();
  const compiled = pathToFileURL(join(root, 'dist', 'scripts', 'ledger', 'main.js')).href;
  const { run } = await import(compiled);
  if (!(await run(process.argv.slice(2)))) process.exitCode = 1;
} catch (error) {
  fail(error);
}
