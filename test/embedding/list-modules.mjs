// Loaded by `node --import`, before a program: when that ends, the file that LIST_MODULES_TO names holds every file it
// has loaded, one a line.

import { appendFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';

const target = process.env.LIST_MODULES_TO;
const hook = `
  import { appendFileSync } from 'node:fs';
  export async function load(url, context, next) {
    appendFileSync(${JSON.stringify(target)}, url + '\\n');
    return await next(url, context);
  }`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const { cache } = createRequire(import.meta.url);
process.on('exit', () => appendFileSync(target, `${Object.keys(cache).join('\n')}\n`));
