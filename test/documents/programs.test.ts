import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { projectFolder } from '../../bench/support/project.ts';
import { assertDefined } from '../../src/base/assert.ts';
import { startCluster } from '../processes/harness.ts';
import { blocksOf, folderOfUser } from './blocks.ts';

const run = promisify(execFile);

/** Programs that stand by themselves; other blocks show a part of one. */
const programs = blocksOf('ts').filter(({ text }) => text.includes("from 'ottla"));

const usersSettings = {
  compilerOptions: { strict: true, noEmit: true, module: 'nodenext', target: 'es2022', types: ['node'] },
  include: ['*.mts'],
};

describe('the programs in the documents', () => {
  it('are right to the compiler that a user has', async () => {
    const folder = folderOfUser();
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(usersSettings));
    expect(programs.map(({ page }) => page)).toEqual(
      expect.arrayContaining(['README.md', 'docs/UNKNOWN.md']),
    );
    for (const [index, { page, text }] of programs.entries()) {
      writeFileSync(join(folder, `${page.replaceAll(/\W/g, '-')}-${index}.mts`), text);
    }
    const compiler = join(projectFolder, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = await run(process.execPath, [compiler, '-p', folder]);
    expect(stdout).toBe('');
  });
});

describe('the page on unknown outcomes', () => {
  const page = 'docs/UNKNOWN.md';

  it('is right: under one key two requests are one write, and the program tells what became of its own', async () => {
    const { quorum } = await startCluster({ brokerCount: 1 });
    const here = (text: string): string =>
      quorum.origins.reduce(
        (all, origin, id) => all.replaceAll(`http://127.0.0.1:${9644 + 2 * id}`, origin),
        text,
      );
    const commands = assertDefined(
      blocksOf('sh').find((block) => block.page === page),
      'it has commands',
    ).text;
    const { stdout } = await run('bash', ['-c', here(commands)]);
    const [first = '', second = '', ...more] = stdout.trim().split('\n');
    expect(more).toEqual([]);
    expect(JSON.parse(first)).toMatchObject({ topicId: expect.any(String) });
    expect(second).toBe(first);

    const program = assertDefined(
      programs.find((block) => block.page === page),
      'it has a program',
    ).text;
    const file = join(folderOfUser(), 'program.mjs');
    writeFileSync(file, here(program).replaceAll("'orders'", "'payments'"));
    expect((await run(process.execPath, [file])).stdout).toMatch(/^created [\w-]{22}\n$/);
    expect((await run(process.execPath, [file])).stdout).toBe(
      'refused, nothing was changed: TOPIC_ALREADY_EXISTS\n',
    );
  });
});
