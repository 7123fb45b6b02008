import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { Child } from '../../../bench/processes/child.ts';
import { mainFile } from '../../../bench/processes/controller.ts';
import { reservePorts } from '../../../bench/processes/ports.ts';
import type { Quorum } from '../../../bench/processes/quorum.ts';
import { ReferenceBroker } from '../../../bench/processes/reference-broker.ts';
import { NotYet, waitFor } from '../../../bench/processes/wait.ts';
import { exitCodes } from '../../../src/cli/exit-codes.ts';
import { type Client, createClient } from '../../../src/client/index.ts';
import { startQuorum } from '../../processes/harness.ts';
import { ask, post, recordsPath, temporaryDirectory } from './cluster.ts';

async function startBrokerProcesses(quorum: Quorum): Promise<readonly ReferenceBroker[]> {
  const reserved = await reservePorts(3);
  onTestFinished(() => reserved.release());
  const brokers = reserved.ports.map((port, at) => {
    const settings = { replicaFetchWaitMaxMs: 200 };
    const place = { id: at + 1, port, directory: temporaryDirectory(), controllers: quorum.origins };
    return new ReferenceBroker({ ...place, settings });
  });
  onTestFinished(async () => void (await Promise.all(brokers.map((broker) => broker.close()))));
  onTestFailed(() => void process.stderr.write(`\n${brokers.map((broker) => broker.dump()).join('\n')}\n`));
  await Promise.all(brokers.map((broker) => broker.start()));
  for (const { child } of brokers) await child.waitForLine(/serves http/);
  return brokers;
}

const offsetsPath = '/v1/topics/ledger/partitions/0/offsets';

/** A producer that numbers its records, and what it was told of each. */
class Ledger {
  /** The offset of each record that was acknowledged, by its number. */
  readonly acknowledged = new Map<number, number>();
  readonly #client: Client;
  readonly #brokers: readonly ReferenceBroker[];

  constructor(client: Client, brokers: readonly ReferenceBroker[]) {
    this.#client = client;
    this.#brokers = brokers;
  }

  /** Sends it, again and again under its number, until it is acknowledged. */
  async write(number: number): Promise<void> {
    await waitFor(`record ${number} is acknowledged`, async () => {
      const leader = await this.leader();
      if (leader === null) return new NotYet('nobody leads');
      const body = {
        records: [{ value: String(number) }],
        producerId: 1,
        producerEpoch: 0,
        baseSequence: number,
      };
      const answer = await post(leader.url, `${recordsPath('ledger')}?timeout_ms=2000`, body).catch(
        () => null,
      );
      if (answer?.status !== 200) return new NotYet(JSON.stringify(answer?.body ?? 'no answer'));
      this.acknowledged.set(number, Number(answer.body['baseOffset']));
      return true;
    });
  }

  async leader(): Promise<ReferenceBroker | null> {
    const { leader } = await this.#client.describePartition({ topic: 'ledger', partition: 0 });
    return this.#brokers.find(({ id }) => id === leader) ?? null;
  }

  async leaderWithAllInSync(): Promise<ReferenceBroker> {
    return await waitFor('all replicas are in sync', async () => {
      const { leader, isr } = await this.#client.describePartition({ topic: 'ledger', partition: 0 });
      const found = this.#brokers.find(({ id }) => id === leader);
      return found !== undefined && isr.length === this.#brokers.length ? found : new NotYet(isr.join(','));
    });
  }

  /** What a consumer sees, by offset. */
  async read(): Promise<ReadonlyMap<number, number>> {
    const leader = await waitFor('a leader shows all of it', async () => {
      const found = await this.leader();
      const offsets = found === null ? null : await ask(found.url, offsetsPath).catch(() => null);
      return found !== null && offsets?.status === 200 ? found : new NotYet('nobody does');
    });
    const seen = new Map<number, number>();
    for (let next = 0; ; ) {
      const { body } = await ask(leader.url, `${recordsPath('ledger')}?offset=${next}&max_bytes=10000`);
      const records = body['records'] as readonly { readonly offset: number; readonly value: string }[];
      if (records.length === 0) return seen;
      for (const { offset, value } of records) seen.set(offset, Number(value));
      next = Number(body['nextOffset']);
    }
  }
}

/** The leader appends a record of which its followers learn nothing, and is gone; whoever leads then goes on. */
async function killBeforeAnybodyHears(
  ledger: Ledger,
  number: number,
  brokers: readonly ReferenceBroker[],
): Promise<void> {
  const victim = await ledger.leaderWithAllInSync();
  const followers = brokers.filter((broker) => broker !== victim);
  for (const { child } of followers) child.signal('SIGSTOP');
  const writing = ledger.write(number);
  const highWatermark = await waitFor(`the leader has appended record ${number}`, async () => {
    const { body } = await ask(victim.url, offsetsPath);
    return Number(body['logEndOffset']) > number ? body['highWatermark'] : new NotYet(JSON.stringify(body));
  });
  expect(highWatermark).toBe(number);
  await victim.killHard();
  for (const { child } of followers) child.signal('SIGCONT');
  await writing;
  await victim.start();
}

describe('reference brokers as processes', () => {
  it('lose nothing that was acknowledged, and keep its order, when leader after leader dies with what it alone has', async () => {
    // Followers stand still for a while, and count as in sync nevertheless; a kill shows by itself.
    const { quorum } = await startQuorum({ settings: { brokerSessionTimeoutMs: 20_000 } });
    const brokers = await startBrokerProcesses(quorum);
    const client = createClient({ endpoints: quorum.origins });
    onTestFinished(() => client.close());
    const configs = [{ name: 'min.insync.replicas', value: '2' }];
    await client.createTopic({ name: 'ledger', partitions: 1, replicationFactor: 3, configs });
    const ledger = new Ledger(client, brokers);
    const perRound = 40;
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < perRound; at++) {
        const number = round * perRound + at;
        if (at !== perRound / 2) await ledger.write(number);
        else await killBeforeAnybodyHears(ledger, number, brokers);
      }
    }
    const seen = await ledger.read();
    expect(ledger.acknowledged.size).toBe(3 * perRound);
    for (const [number, offset] of ledger.acknowledged) expect(seen.get(offset)).toBe(number);
    // Each once, in the order in which they were written.
    expect([...seen.values()]).toEqual(Array.from({ length: 3 * perRound }, (_, at) => at));
  });

  it('lead again, each with all that it holds, when all of them were killed at once', async () => {
    const { quorum } = await startQuorum();
    const brokers = await startBrokerProcesses(quorum);
    const client = createClient({ endpoints: quorum.origins });
    onTestFinished(() => client.close());
    await client.createTopic({ name: 'ledger', partitions: 1, replicationFactor: 3 });
    const ledger = new Ledger(client, brokers);
    for (let number = 0; number < 20; number++) await ledger.write(number);
    await Promise.all(brokers.map((broker) => broker.killHard()));
    await Promise.all(brokers.map((broker) => broker.start()));
    await ledger.write(20);
    const seen = await ledger.read();
    expect([...seen.values()]).toEqual(Array.from({ length: 21 }, (_, at) => at));
    // Nobody was taken for one that may have lost what it held, and so nobody was elected uncleanly.
    const { leaderRecoveryState } = await client.describePartition({ topic: 'ledger', partition: 0 });
    expect(leaderRecoveryState).toBe(0);
  });

  it('end with a signal, and say with an exit code why they do not start', async () => {
    const { quorum } = await startQuorum();
    const [first, second] = await startBrokerProcesses(quorum);
    first?.child.signal('SIGTERM');
    expect(await first?.child.waitForEnd()).toEqual({ code: 0, signal: null });
    const args = [
      'broker',
      'start',
      '--id',
      '2',
      '--listen',
      '127.0.0.1:0',
      '--directory',
      second?.directory ?? '',
    ];
    const intruder = await Child.start({
      name: 'an intruder',
      command: process.execPath,
      args: [mainFile, ...args],
    });
    onTestFinished(() => intruder.kill());
    expect((await intruder.waitForEnd()).code).toBe(exitCodes.cannotStart.code);
    expect(intruder.output).toMatch(/the data directory .* is in use by process/);
  });
});
