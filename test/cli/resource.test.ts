import { describe, expect, it } from 'vitest';
import { startQuorum } from '../embedding/quorum.ts';
import { quotas } from '../metadata/quotas.ts';
import { cli, type CliRun } from './run.ts';

async function serveQuotas(): Promise<(...args: readonly string[]) => Promise<CliRun>> {
  const [controller] = await startQuorum(1, { resources: [quotas] });
  return (...args) => cli(['resource', ...args, '--endpoints', controller?.httpUrl ?? '']);
}

describe('ottla resource', () => {
  it('reads which kinds the server has, and writes, reads, lists and deletes what is of them', async () => {
    const run = await serveQuotas();
    const tried = await run('put', 'quota', 'alice', '{"bytesPerSecond":5}', '--dry-run');
    expect(tried.out).toBe('quota alice could be written. Nothing was changed.\n');
    expect((await run('list', 'quota')).out).toBe('Nothing of this kind is there.\n');
    expect((await run('put', 'quota', 'alice', '{"bytesPerSecond":5}')).out).toBe('quota alice written.\n');
    expect((await run('kinds')).out).toBe(
      'KIND   VERSION  FINALIZED  RESOURCES\nquota        1          1          1\n',
    );
    expect((await run('list', 'quota')).out).toBe('KEY    VALUE\nalice  {"bytesPerSecond":5}\n');
    expect(JSON.parse((await run('get', 'quota', 'alice', '-o', 'json')).out)).toMatchObject({
      key: 'alice',
      value: { bytesPerSecond: 5 },
      version: 1,
    });
    expect((await run('get', 'quota', 'alice')).out).toContain('{"bytesPerSecond":5}');
    expect((await run('delete', 'quota', 'alice')).out).toBe('quota alice deleted.\n');
    const gone = await run('get', 'quota', 'alice');
    expect(gone.err).toContain('UNKNOWN_RESOURCE_KEY');
    expect(gone.exitCode).not.toBe(0);
  });

  it('says what is wrong with a kind, a value or its JSON', async () => {
    const run = await serveQuotas();
    expect((await run('list', 'other')).err).toContain('it knows quota');
    expect((await run('put', 'quota', 'alice', '{"bytesPerSecond":-5}')).err).toContain('bytesPerSecond');
    expect((await run('put', 'quota', 'alice', '{')).err).toContain('<value> is not JSON');
  });
});
