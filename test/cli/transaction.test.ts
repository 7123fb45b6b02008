import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { type PopulatedCluster, servePopulated } from './populated.ts';

const folder = mkdtempSync(join(tmpdir(), 'ottla-transaction-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let cluster: PopulatedCluster;
beforeEach(async () => {
  cluster = await servePopulated();
  cluster.controller.append([{ type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 2 }]);
});

function execute(text: string, ...args: readonly string[]) {
  const file = join(folder, 'changes.json');
  writeFileSync(file, text);
  return cluster.run('transaction', 'execute', '--file', file, ...args);
}

const creation = (name: string): object => ({
  operationId: 'createTopic',
  body: { name, replicationFactor: 1 },
});
const file = (...operations: readonly object[]): string => JSON.stringify({ operations });

async function topics(): Promise<readonly string[]> {
  const { out } = await cluster.run('topic', 'list', '-o', 'json');
  return (JSON.parse(out) as { readonly topics: readonly { readonly name: string }[] }).topics.map(
    ({ name }) => name,
  );
}

describe('ottla transaction execute', () => {
  it('does all that a file says, and nothing where it is only tried', async () => {
    const before = await topics();
    const changes = file(creation('a'), { operationId: 'deleteTopic', params: { topic: 'orders' } });
    const tried = await execute(changes, '--dry-run');
    expect(tried.out).toBe('2 operations could take effect together. Nothing was changed.\n');
    expect(await topics()).toEqual(before);
    expect((await execute(changes)).out).toBe('2 operations took effect together.\n');
    expect(await topics()).toEqual(['a', ...before.filter((name) => name !== 'orders')]);
  });

  it('does nothing where one is refused, and says which', async () => {
    const before = await topics();
    const refused = await execute(file(creation('a'), creation('orders')));
    expect([refused.exitCode, refused.err]).toEqual([
      exitCodes.conflict.code,
      expect.stringContaining('Operation 1 (createTopic): The topic orders exists.'),
    ]);
    expect(await topics()).toEqual(before);
  });

  it('says what is wrong with a file', async () => {
    for (const [text, fault] of [
      ['no', 'It is no JSON.'],
      [file(), 'says no transaction'],
      [file({ operationId: 'fenceBroker', params: { brokerId: 1 } }), 'says no transaction'],
    ] as const) {
      const wrong = await execute(text);
      expect([wrong.exitCode, wrong.err]).toEqual([exitCodes.usage.code, expect.stringContaining(fault)]);
    }
  });
});
