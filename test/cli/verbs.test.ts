import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/main.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { createClient } from '../../src/client/index.ts';
import { startQuorum } from '../embedding/quorum.ts';
import { type PopulatedCluster, servePopulated } from './populated.ts';
import { cli, dependencies, transcript } from './run.ts';

let cluster: PopulatedCluster;
beforeEach(async () => {
  cluster = await servePopulated();
});

/** What each verb shows of a cluster with three brokers, the last of them fenced, and the topic `orders`. */
const shown: readonly (readonly [name: string, commandLine: string])[] = [
  ['cluster-describe', 'cluster describe'],
  ['controller-list', 'controller list'],
  ['controller-unknown', 'controller describe 7'],
  ['controller-unregister-unknown', 'controller unregister 7'],
  ['broker-list-wide', 'broker list -o wide'],
  ['broker-list-yaml', 'broker list -o yaml --limit 1'],
  ['broker-partitions', 'broker partitions 3'],
  ['broker-fence', 'broker fence 1'],
  ['broker-fence-dry-run', 'broker fence 1 --dry-run'],
  ['broker-unfence', 'broker unfence 3'],
  ['broker-unregister-dry-run', 'broker unregister 3 --dry-run'],
  ['partition-list', 'partition list orders'],
  ['partition-list-wide', 'partition list orders -o wide'],
  ['partition-describe', 'partition describe orders 1'],
  ['partition-unknown', 'partition describe orders 9'],
  ['config-list-none', 'config list'],
  ['config-alter', 'config alter topic orders --set retention.ms=60000 --set cleanup.policy=compact'],
  ['config-alter-dry-run', 'config alter topic orders --set retention.ms=60000 --dry-run'],
  ['config-alter-nothing', 'config alter topic orders'],
  ['config-alter-no-value', 'config alter topic orders --set retention.ms'],
  ['config-alter-unknown', 'config alter topic orders --set retention.mz=1'],
  ['config-alter-bad-value', 'config alter topic orders --set retention.ms=soon'],
  ['config-describe', 'config describe topic orders'],
  ['config-describe-bad-type', 'config describe cluster all'],
  ['feature-list', 'feature list'],
  ['feature-update-dry-run', 'feature update metadata.version --feature-level 1 --dry-run'],
  ['feature-update-unsupported', 'feature update metadata.version --feature-level 99'],
  ['group-list-none', 'group list'],
  ['group-unknown', 'group describe billing-scheduler'],
  ['session-list', 'session list'],
  ['session-open', 'session open --timeout-ms 60000'],
  ['session-open-dry-run', 'session open --dry-run'],
  ['session-describe-unknown', 'session describe 99'],
  ['session-close-unknown', 'session close 99'],
  ['session-limits', 'session limits'],
  ['quorum-voters', 'quorum voters'],
  ['quorum-voter', 'quorum voter 0'],
  ['quorum-voter-unknown', 'quorum voter 9'],
  ['quorum-add-voter', 'quorum add-voter 3'],
  ['quorum-remove-voter', 'quorum remove-voter 9'],
  ['quorum-transfer-leader', 'quorum transfer-leader --preferred-successor 9'],
  ['topic-delete-dry-run', 'topic delete orders --dry-run'],
  ['topic-create-yaml', 'topic create payments --partitions 2 -o yaml --dry-run'],
  ['log-dump-yaml', 'log dump --from 4 --limit 2 -o yaml'],
];

describe('what each verb shows', () => {
  it.each(shown)('%s', async (name, commandLine) => {
    const args = commandLine.split(' ');
    const text = transcript(args, await cluster.run(...args)).replaceAll(/\d+ ms\b/g, 'N ms');
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it('what has been changed before it', async () => {
    await cluster.run('config', 'alter', 'topic', 'orders', '--set', 'retention.ms=60000');
    expect((await cluster.run('config', 'list')).out).toMatch(/topic +orders +1/);
    const described = await cluster.run('config', 'describe', 'topic', 'orders');
    expect(described.out).toMatch(/retention\.ms +60000 +this topic/);
    await cluster.run('config', 'alter', 'topic', 'orders', '--delete', 'retention.ms');
    expect((await cluster.run('config', 'list')).out).toBe('Nothing has a config of its own.\n');
    const { out } = await cluster.run('session', 'open', '-o', 'json');
    const { sessionId } = JSON.parse(out) as { readonly sessionId: number };
    expect((await cluster.run('session', 'describe', String(sessionId))).out).toContain('User:');
    expect((await cluster.run('session', 'close', String(sessionId))).exitCode).toBe(0);
    await cluster.run('broker', 'fence', '3');
    expect((await cluster.run('broker', 'list')).out).toContain('fenced, held');
  });

  it('a group, who leads it, and what its members say of themselves', async () => {
    const client = createClient({ endpoints: [cluster.url] });
    for (const [number, metadata] of ['one.example:7000', 'two.example:7000'].entries()) {
      const memberId = `AAAAAAAAAAAAAAAAAAAA${number + 1}Q`;
      await client.joinGroup({ group: 'billing-scheduler', memberId, metadata }, { exactlyOnce: false });
    }
    await client.close();
    const commandLines = [
      'group list',
      'group describe billing-scheduler',
      'group members billing-scheduler',
    ];
    const texts: string[] = [];
    for (const commandLine of commandLines) {
      const args = commandLine.split(' ');
      texts.push(transcript(args, await cluster.run(...args)));
    }
    await expect(texts.join('\n')).toMatchFileSnapshot('golden/group-of-two.txt');
  });

  it('every config that there is, with its meaning', async () => {
    const { out } = await cluster.run('config', 'definitions', '-o', 'wide');
    expect(out).toMatch(/topic +retention\.ms +long +604800000 /);
    expect(out).toContain('log.retention.ms');
  });
});

describe('a snapshot', () => {
  it('is taken by a controller, listed, and said of the node that has it', async () => {
    const [controller] = await startQuorum(1);
    const run = (...args: readonly string[]) => cli([...args, '--endpoints', controller?.httpUrl ?? '']);
    // The first record of a quorum is its first controller's; before it, a snapshot holds none.
    await expect
      .poll(async () => (await run('controller', 'list')).out, { timeout: 20_000 })
      .toMatch(/^CONTROLLER/);
    const created = await run('snapshot', 'create');
    const row = /^ENDPOINT +END OFFSET +EPOCH +PAGES +NEWEST RECORD\nhttp:\S+ +\d+ +1 +\d+ +20\d\d-.*\n$/;
    expect(created.out).toMatch(row);
    expect((await run('snapshot', 'list')).out).toBe(created.out);
  });
});

function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

const program = createProgram(dependencies());
const pathOf = (command: Command): string =>
  command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim();

/** The partition orders-0 on one of its two brokers alone. */
const folder = mkdtempSync(join(tmpdir(), 'ottla-verbs-'));
const planFile = join(folder, 'plan.json');
writeFileSync(planFile, '{"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[2]}]}');
const changesFile = join(folder, 'changes.json');
writeFileSync(changesFile, '{"operations":[{"operationId":"deleteTopic","params":{"topic":"orders"}}]}');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Verbs that ask a cluster to change something, and what they need to be tried. */
const changes: Readonly<Record<string, string>> = {
  'quorum add-voter': '3',
  'quorum remove-voter': '9',
  'quorum transfer-leader': '',
  'controller unregister': '7',
  'broker fence': '1',
  'broker unfence': '1',
  'broker cordon': '1',
  'broker uncordon': '1',
  'broker drain': '1',
  'broker unregister': '3',
  'topic create': 'payments',
  'topic add-partitions': 'orders --count 9',
  'topic delete': 'orders',
  'reassignment alter': `--file ${planFile}`,
  'transaction execute': `--file ${changesFile}`,
  'reassignment cancel': '--topic orders --partition 0',
  'partition elect': '--election-type preferred',
  'config alter': 'topic orders --set retention.ms=1',
  'feature update': 'metadata.version --feature-level 0',
  'resource put': 'quota alice {}',
  'resource delete': 'quota alice',
  'session open': '',
  'session close': '1',
  'token create': 'reports --role reader',
  'token revoke': 'AAAAAAAAAAAAAAAAAAAAAQ',
};

describe('--dry-run', () => {
  it('is understood by every verb that changes something, and by no other', () => {
    const understood = leaves(program).filter((command) =>
      command.options.some(({ long }) => long === '--dry-run'),
    );
    expect(understood.map(pathOf).sort()).toEqual(Object.keys(changes).sort());
  });

  it.each(Object.entries(changes))('of %s changes nothing', async (verb, args) => {
    const before = cluster.controller.image.endOffset;
    const words = `${verb} ${args} --dry-run`.split(' ').filter((word) => word !== '');
    const done = await cluster.run(...words);
    expect(done.exitCode).not.toBe(exitCodes.usage.code);
    expect(cluster.controller.image.endOffset).toBe(before);
  });
});
