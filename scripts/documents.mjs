// `npm run documents`: prepares the checkout, then writes the pages that are made from the code.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure, fail, root } from './ensure.mjs';

try {
  await ensure();
  const compiled = pathToFileURL(join(root, 'dist', 'scripts', 'documents', 'pages.js')).href;
  const { pages } = await import(compiled);
  for (const [path, make] of Object.entries(pages)) {
    writeFileSync(join(root, path), make());
    process.stdout.write(`${path}\n`);
  }
} catch (error) {
  fail(error);
}
