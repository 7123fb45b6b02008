import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { projectFolder } from '../../bench/support/project.ts';
import { devBasePort } from '../../src/cli/dev/layout.ts';
import {
  type Dev,
  directory,
  freeBasePort,
  leaderOf,
  patienceMs,
  pidOf,
  startReady,
} from '../cli/dev-cluster.ts';
import { blocksBelow } from './blocks.ts';

/** A shell in which the README's are typed one after the other, on a cluster of the test's own. */
class Typist {
  readonly #dev: Dev;
  readonly #basePort: number;
  #alias = '';

  constructor(dev: Dev, basePort: number) {
    this.#dev = dev;
    this.#basePort = basePort;
  }

  /** What is printed; where the README sleeps, the cluster is waited for in place of the clock. */
  async type(block: string, whileAsleep = async (): Promise<void> => {}): Promise<string> {
    this.#alias = /^alias .*$/m.exec(block)?.[0] ?? this.#alias;
    const [before = '', after] = block.split(/^sleep \d+\n/m);
    const printed = await this.#run(before);
    if (after === undefined) return printed;
    await whileAsleep();
    return printed + (await this.#run(after));
  }

  #run(commands: string): Promise<string> {
    const here = `shopt -s expand_aliases\n${this.#alias}\n${this.#onOwnPorts(commands)}`;
    const environment = { ...process.env, OTTLA_ENDPOINTS: this.#dev.endpoints.join(','), NO_COLOR: '1' };
    return new Promise((resolve, reject) => {
      execFile('bash', ['-c', here], { cwd: projectFolder, env: environment }, (error, stdout, stderr) => {
        // curl ends a stream that goes on at the end of its time, and says so by 28.
        if (error === null || error.code === 28) resolve(stdout);
        else reject(new Error(`${commands}\n${stdout}${stderr}`, { cause: error }));
      });
    });
  }

  #onOwnPorts(commands: string): string {
    return commands.replaceAll(/\b96(?:44|46|48)\b/g, (port) =>
      String(this.#basePort + Number(port) - devBasePort),
    );
  }
}

describe('the tour of the README', () => {
  it('goes as it says, over its own ports', async () => {
    const basePort = await freeBasePort();
    const dev = await startReady(directory(), basePort);
    const shell = new Typist(dev, basePort);
    const saidSoon = async (line: RegExp): Promise<void> =>
      void (await dev.child.waitForLine(line, 0, patienceMs));
    const [
      status = '',
      create = '',
      write = '',
      killBroker = '',
      fenced = '',
      killLeader = '',
      dump = '',
      ...more
    ] = blocksBelow('A tour');
    expect(more).toEqual([]);

    expect(await shell.type(status)).toMatch(/^Controller \d leads/);
    expect(await shell.type(create)).toMatch(/orders/);
    expect(await shell.type(write)).toMatch(/^a first order$/m);
    await shell.type(killBroker.replace('PID_OF_BROKER_2', String(pidOf(dev, 'broker 2'))));
    const afterFence = await shell.type(fenced, () => saidSoon(/broker 2 is fenced: others lead/));
    expect(afterFence).toMatch(/^ *2 .*fenced/m);
    expect(afterFence).toMatch(/^a first order$/m);

    const { nodeId } = await leaderOf(dev.endpoints);
    const kill = killLeader.replace('PID_OF_THE_LEADER', String(pidOf(dev, `controller ${nodeId}`)));
    const afterElection = await shell.type(kill, () => saidSoon(/controller \d leads now/));
    expect(afterElection).toMatch(/^Controller \d leads/);
    expect(afterElection).not.toMatch(new RegExp(`^Controller ${nodeId} leads`));
    expect(afterElection).toMatch(/^orders\b/m);
    expect(await shell.type(dump)).toMatch(/TopicRecord/);

    const [everywhere = '', watch = '', ...others] = blocksBelow('Over HTTP');
    expect(others).toEqual([]);
    const answers = (await shell.type(everywhere)).split('\n').slice(0, 6);
    const [reads, writes] = [answers.slice(0, 3), answers.slice(3)].map((three) =>
      three.toSpliced(nodeId, 1),
    );
    expect(answers[nodeId]).toBe('');
    expect(reads?.map((line) => JSON.parse(line))).toMatchObject([{ name: 'orders' }, { name: 'orders' }]);
    expect(writes?.map((line) => JSON.parse(line))).toMatchObject([
      { name: 'payments' },
      { name: 'payments' },
    ]);
    expect(reads?.[1]).toBe(reads?.[0]);
    expect(writes?.[1]).toBe(writes?.[0]);
    const stream = await shell.type(nodeId === 0 ? watch.replace('9644', '9646') : watch);
    expect(stream).toMatch(/^event: stateEnd$/m);
  }, 600_000);
});
