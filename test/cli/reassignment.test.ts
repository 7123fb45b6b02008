import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { formatReassignment, parseReassignment } from '../../src/cli/reassignment-json.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { type PopulatedCluster, servePopulated } from './populated.ts';

const folder = mkdtempSync(join(tmpdir(), 'ottla-reassignment-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let cluster: PopulatedCluster;
beforeEach(async () => {
  cluster = await servePopulated();
});

function written(text: string): string {
  const file = join(folder, 'plan.json');
  writeFileSync(file, text);
  return file;
}

/** The partition orders-0 has replicas on 1 and 2, and 3 is fenced. */
function plan(replicas: readonly number[], partition = 0): string {
  return written(formatReassignment([{ topic: 'orders', partition, replicas }]));
}

const alter = (...args: readonly string[]) => cluster.run('reassignment', 'alter', ...args);

describe('ottla reassignment', () => {
  it('begins what a file of Kafka’s form says, lists it and cancels it', async () => {
    expect((await cluster.run('reassignment', 'list')).out).toBe('No partition is being reassigned.\n');
    await cluster.run('broker', 'unfence', '3');
    const begun = await alter('--file', plan([2]), '--dry-run');
    expect([begun.out, begun.exitCode]).toEqual([
      '1 partition could be reassigned. Nothing was changed.\n',
      0,
    ]);
    expect((await alter('--file', plan([2]))).out).toBe('1 partition is reassigned.\n');
    const cancel = await cluster.run('reassignment', 'cancel', '--topic', 'orders', '--partition', '0');
    expect([cancel.exitCode, cancel.out]).toEqual([
      exitCodes.conflict.code,
      expect.stringMatching(/orders +0 +NO_REASSIGNMENT_IN_PROGRESS +orders-0 is not being reassigned/),
    ]);
    const described = await cluster.run('partition', 'describe', 'orders', '0', '-o', 'json');
    expect(JSON.parse(described.out)).toMatchObject({ replicas: [2], isr: [2], leader: 2 });
  });

  it('shows what is under way, and goes back to what was', async () => {
    const { topicId } = JSON.parse((await cluster.run('topic', 'describe', 'orders', '-o', 'json')).out) as {
      readonly topicId: string;
    };
    // Broker 2 goes out of sync, so that the partition cannot be given to it alone at once.
    const isr = [{ brokerId: 1, brokerEpoch: await epochOf(1) }];
    const proposal = { topicId, partition: 0, leaderEpoch: 0, partitionEpoch: 0, newIsr: isr };
    await propose([proposal]);
    expect((await alter('--file', plan([2]))).exitCode).toBe(0);
    const listed = await cluster.run('reassignment', 'list');
    expect(listed.out).toMatch(/orders +0 +1 +2,1 +- +1 +1\n/);
    expect((await cluster.run('reassignment', 'cancel', '--file', plan([2]))).out).toBe(
      '1 partition goes back.\n',
    );
    expect((await cluster.run('reassignment', 'list')).out).toBe('No partition is being reassigned.\n');
  });

  it('exports what its own alter takes, and changes nothing by it', async () => {
    const { out } = await cluster.run('reassignment', 'export', '--topic', 'orders');
    expect(JSON.parse(out)).toEqual({
      version: 1,
      partitions: [
        { topic: 'orders', partition: 0, replicas: [1, 2], log_dirs: ['any', 'any'] },
        { topic: 'orders', partition: 1, replicas: [2, 1], log_dirs: ['any', 'any'] },
        { topic: 'orders', partition: 2, replicas: [2, 3], log_dirs: ['any', 'any'] },
      ],
    });
    expect((await cluster.run('reassignment', 'export')).out).toBe(out);
    const answered = await alter('--file', written(out), '-o', 'json');
    expect(JSON.parse(answered.out)).toMatchObject({
      partitions: [{ code: null }, { code: null }, { code: null }],
    });
    expect((await cluster.run('partition', 'list', 'orders', '-o', 'json')).out).toContain(
      '"partitionEpoch": 0',
    );
  });

  it('says of each partition why it was refused, and fails', async () => {
    const { exitCode, out, err } = await alter(
      '--file',
      plan([1, 9]),
      '--disallow-replication-factor-change',
    );
    expect(exitCode).toBe(exitCodes.conflict.code);
    expect(out).toMatch(/orders +0 +INVALID_REPLICA_ASSIGNMENT +Broker 9 is not registered\./);
    expect(err).toContain('1 of 1 partitions were refused.');
    const fewer = await alter('--file', plan([1]), '--disallow-replication-factor-change');
    expect(fewer.out).toContain('INVALID_REPLICATION_FACTOR');
  });

  it('refuses to cancel nothing, and to read what is not there', async () => {
    const usage = exitCodes.usage.code;
    expect((await cluster.run('reassignment', 'cancel')).exitCode).toBe(usage);
    expect((await cluster.run('reassignment', 'cancel', '--topic', 'orders')).exitCode).toBe(usage);
    expect((await alter('--file', join(folder, 'none.json'))).exitCode).toBe(usage);
  });
});

async function epochOf(id: number): Promise<number> {
  const { out } = await cluster.run('broker', 'describe', String(id), '-o', 'json');
  return (JSON.parse(out) as { readonly brokerEpoch: number }).brokerEpoch;
}

async function propose(partitions: readonly object[]): Promise<void> {
  const body = JSON.stringify({ brokerId: 1, brokerEpoch: await epochOf(1), partitions });
  const headers = { 'content-type': 'application/json' };
  const answered = await fetch(`${cluster.url}/v1/isr`, { method: 'POST', headers, body });
  expect(await answered.json()).toMatchObject({ partitions: [{ code: null }] });
}

describe('the JSON of a reassignment', () => {
  const entry = { topic: 'a', partition: 0, replicas: [1, 2] };
  const complaint = (json: unknown): string => {
    try {
      parseReassignment(typeof json === 'string' ? json : JSON.stringify(json), 'plan.json');
      return 'none';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  const ofEntry = (changes: object): string =>
    complaint({ version: 1, partitions: [{ ...entry, ...changes }] });

  it('is read with directories and without, and what Kafka adds is not minded', () => {
    const text = JSON.stringify({
      version: 1,
      more: 2,
      partitions: [{ ...entry, log_dirs: ['any', 'any'] }, entry],
    });
    expect(parseReassignment(text, 'plan.json')).toEqual([entry, entry]);
  });

  it('is refused by what is wrong with it', () => {
    expect(complaint('{')).toBe('plan.json is not JSON.');
    expect(complaint([])).toBe('plan.json is no object.');
    expect(complaint({ version: 2 })).toBe('plan.json is of version 2, and must be of version 1.');
    expect(complaint({ version: 1, partitions: [] })).toBe('plan.json names no partition.');
    expect(complaint({ version: 1, partitions: [5] })).toContain('number 1 is no object');
    expect(ofEntry({ topic: 5 })).toContain('number 1 names no topic');
    expect(ofEntry({ partition: -1 })).toContain('has no partition');
    expect(ofEntry({ replicas: ['1'] })).toContain('has no list of replicas');
    expect(ofEntry({ log_dirs: ['any'] })).toContain('has not as many log_dirs as replicas');
    expect(ofEntry({ log_dirs: ['any', '/data'] })).toContain('a log directory other than "any"');
  });
});
