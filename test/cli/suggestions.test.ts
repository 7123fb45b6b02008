import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { servePopulated } from './populated.ts';

describe('a name that is nearly one that there is', () => {
  it.each([
    'topic describe ordres',
    'topic delete ordres',
    'topic add-partitions ordres --count 9',
    'partition list ordres',
    'config describe topic ordres',
  ])('of a topic is told by: %s', async (commandLine) => {
    const { run } = await servePopulated();
    const { err, exitCode } = await run(...commandLine.split(' '));
    expect(exitCode).toBe(exitCodes.notFound.code);
    expect(err).toContain('no topic ordres');
    expect(err).toContain('Did you mean orders? See which there are with: ottla topic list');
  });

  it('is not told where it is the partition that is not there, or where nothing is near', async () => {
    const { run } = await servePopulated();
    expect((await run('partition', 'describe', 'orders', '9')).err).not.toContain('Did you mean');
    expect((await run('topic', 'describe', 'payments')).err).not.toContain('Did you mean');
  });

  it.each([
    [['watch', '--kinds', 'topics'], 'did you mean topic?'],
    [['brker', 'list'], 'Did you mean broker?'],
    [['topic', 'lst'], 'Did you mean list?'],
    [['topic', 'list', '--endpoint', 'x'], 'Did you mean --endpoints?'],
  ])('is told of whatever the command line names: %o', async (args, said) => {
    const { run } = await servePopulated();
    const { err, exitCode } = await run(...args);
    expect(exitCode).toBe(exitCodes.usage.code);
    expect(err).toContain(said);
  });
});
