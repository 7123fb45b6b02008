import { describe, expect, it } from 'vitest';
import {
  findShortfalls,
  type Latencies,
  loadProfiles,
  type Measurement,
} from '../../src/cli/check/verdict.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { servePopulated } from './populated.ts';

const quick: Latencies = { count: 100, medianMs: 3, percentile90Ms: 5, percentile99Ms: 9, maxMs: 20 };
const sound: Measurement = { seconds: 2, planned: 100, writes: quick, reads: quick, failures: {} };

describe('what a check of performance finds', () => {
  it.each([
    [{}, []],
    [{ writes: { ...quick, count: 89 } }, ['Of 100 writes 89 were served in time.']],
    [{ reads: { ...quick, count: 0 } }, ['Of 100 reads 0 were served in time.']],
    [
      { writes: { ...quick, percentile90Ms: 101 } },
      ['One write of ten took longer than 101 ms, of at most 100 ms.'],
    ],
    [
      { writes: { ...quick, percentile99Ms: 800 } },
      ['One write of a hundred took longer than 800 ms, of at most 500 ms.'],
    ],
    [{ failures: { NOT_CONTROLLER: 2 } }, ['Requests failed: 2 × NOT_CONTROLLER.']],
  ])('of %o is %o', (changes, shortfalls) => {
    expect(findShortfalls(loadProfiles.small, { ...sound, ...changes })).toEqual(shortfalls);
  });
});

describe('ottla check perf', () => {
  it('serves a load, says what it found, and leaves no session', async () => {
    const { run } = await servePopulated();
    const done = await run('check', 'perf', '--seconds', '1', '-o', 'json');
    expect([exitCodes.success.code, exitCodes.checkFailed.code]).toContain(done.exitCode);
    const found = JSON.parse(done.out) as Measurement;
    expect(found).toMatchObject({ planned: 50, seconds: 1, failures: {} });
    expect(found.writes.count).toBeGreaterThan(0);
    expect((await run('session', 'list')).out).toBe('No session is open.\n');
  });

  it('fails with an exit code of its own where requests fail', async () => {
    const { run, controller } = await servePopulated();
    controller.intercept = ({ operationId }) =>
      operationId === 'openSession'
        ? { ok: false, code: 'SESSION_TABLE_FULL', message: 'Full.', details: null, retryAfterMs: null }
        : null;
    const done = await run('check', 'perf', '--seconds', '1', '--timeout', '300');
    expect(done.exitCode).toBe(exitCodes.checkFailed.code);
    expect(done.out).toContain('FAIL');
    expect(done.err).toContain('Requests failed: ');
  });

  it('goes on for ten minutes at most', async () => {
    const { run } = await servePopulated();
    expect((await run('check', 'perf', '--seconds', '601')).exitCode).toBe(exitCodes.usage.code);
  });
});
