import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compareStrings } from '../../src/base/compare.ts';
import { completionScript, shells } from '../../src/cli/completion/scripts.ts';
import { completionTree } from '../../src/cli/completion/tree.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { createProgram } from '../../src/cli/main.ts';
import { cli, dependencies } from './run.ts';

const tree = completionTree(createProgram(dependencies()));

/** What bash offers at the end of a line, after it has sourced the script as a user's shell does. */
function offered(line: string): readonly string[] {
  const words = line.split(' ');
  const script = `${completionScript('bash', tree)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_ottla
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter((word) => word !== '');
}

describe('bash', () => {
  it.each([
    ['ottla qu', ['quorum']],
    ['ottla topic d', ['describe', 'delete']],
    ['ottla topic create orders --dr', ['--dry-run']],
    ['ottla topic create orders --partitions 3 --rep', ['--replication-factor']],
    ['ottla topic list -o ', ['table', 'wide', 'json', 'yaml']],
    ['ottla topic list --output y', ['yaml']],
    ['ottla topic list --endpoints ', []],
    ['ottla check perf --load s', ['small']],
    ['ottla completion ', ['bash', 'zsh', 'fish', '--help']],
    ['ottla nonsense topic li', ['list']],
    ['ottla dev-con', []],
  ])('offers after %j: %j', (line, words) => {
    expect(offered(line)).toEqual(words);
  });

  it('offers files where a file is wanted', () => {
    expect(offered('ottla topic list --tls-key package.js')).toEqual(['package.json']);
  });
});

describe('fish, where it is there,', () => {
  it.each([
    ['ottla topic d', ['delete', 'describe']],
    ['ottla topic list -o j', ['json']],
    ['ottla topic create orders --dr', ['--dry-run']],
  ])('offers after %j: %j', (line, words) => {
    const script = `${completionScript('fish', tree)}\ncomplete -C '${line}'`;
    const { stdout, error } = spawnSync('fish', ['--no-config', '-c', script], { encoding: 'utf8' });
    const names = (stdout ?? '').split('\n').map((row) => row.split('\t')[0] ?? '');
    const found = error === undefined ? names.filter((name) => name !== '').sort(compareStrings) : words;
    expect(found).toEqual(words);
  });
});

describe('ottla completion', () => {
  it.each(shells)('prints a script that knows every command: %s', async (shell) => {
    const { out, exitCode } = await cli(['completion', shell]);
    expect(exitCode).toBe(0);
    for (const { words } of tree) expect(out).toContain(words.join(' '));
  });

  it.each(shells)('prints a script that the shell itself finds legal, where it is there: %s', (shell) => {
    const folder = mkdtempSync(join(tmpdir(), 'ottla-completion-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'script');
    writeFileSync(file, completionScript(shell, tree));
    const checked = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    expect(checked.error === undefined ? checked.stderr : '').toBe('');
  });

  it('knows three shells', async () => {
    const { exitCode, err } = await cli(['completion', 'tcsh']);
    expect(exitCode).toBe(exitCodes.usage.code);
    expect(err).toContain('Allowed choices are bash, zsh, fish.');
  });
});
