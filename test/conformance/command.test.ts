import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFolder } from '../../bench/support/project.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { rules } from '../../src/conformance/rules.ts';
import type { Report } from '../../src/conformance/verdict.ts';
import { startServer } from '../../src/server/start-server.ts';
import { cli, type CliRun } from '../cli/run.ts';

const agent = join(projectFolder, 'test', 'conformance', 'support', 'agent.mjs');

function conformance(...args: readonly string[]): Promise<CliRun> {
  return cli(['conformance', '--no-data', ...args], { startServer });
}

describe('ottla conformance', () => {
  it('starts, kills and stops a broker by its command, and finds nothing in the SDK’s', async () => {
    const command = `${process.execPath} ${agent} 3 {controllers}`;
    const run = await conformance('--command', command, '-o', 'json');
    const report = JSON.parse(run.out) as Report;
    expect(report.results.filter(({ outcome }) => outcome.kind === 'broken')).toEqual([]);
    expect(report).toMatchObject({ brokerId: 3, verdict: 'pass' });
    expect(report.results.map(({ rule }) => rule)).toEqual(rules.map(({ name }) => name));
    expect(run.exitCode).toBe(exitCodes.success.code);
  });

  it('says which rule is broken, what it demands and what was seen, and ends with its exit code', async () => {
    const command = `${process.execPath} ${agent} 3 {controllers} abrupt`;
    const run = await conformance('--command', command, '--rule', 'leave-on-leave');
    expect(run.out).toContain('BROKEN     leave-on-leave (should)\n           demanded: ');
    expect(run.out).toContain('\n           seen:     It was gone, and had not asked.\n');
    expect(run.err).toContain('Broken: leave-on-leave.');
    expect(run.exitCode).toBe(exitCodes.checkFailed.code);
  });

  it('names the rules that it has where it is asked for another', async () => {
    const run = await conformance('--rule', 'be-nice');
    expect(run.err).toContain("There is no rule 'be-nice'.");
    expect(run.err).toContain('register-once, register-own-cluster');
    expect(run.exitCode).toBe(exitCodes.usage.code);
  });
});
