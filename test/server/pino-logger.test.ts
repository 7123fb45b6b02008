import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { projectFolder } from '../../bench/support/project.ts';

const run = promisify(execFile);

it('writes lines that say when, and how bad it is, in words', async () => {
  const file = join(projectFolder, 'dist', 'src', 'server', 'pino-logger.js');
  const program = `import { createLogger } from ${JSON.stringify(file)};
    createLogger('info', { node: 0 }).warn('stalled', { stalledMs: 145 });`;
  const { stderr } = await run(process.execPath, ['--input-type=module', '-e', program]);
  expect(JSON.parse(stderr)).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    node: 0,
    event: 'stalled',
    stalledMs: 145,
  });
});
