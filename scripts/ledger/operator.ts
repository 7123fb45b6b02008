import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { field, listField } from '../../bench/processes/http.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import type { Screen, Transcript } from './transcript.ts';

export type OperatorOptions = {
  readonly transcript: Transcript;
  /** Where the plans of reassignments are written. */
  readonly folder: string;
  readonly topics: readonly string[];
  readonly brokerCount: number;
  /** The broker that is emptied. */
  readonly drained: number;
  /** From the beginning until the last step may begin. */
  readonly durationMs: number;
};

/** Whatever goes wrong meanwhile, so long must be enough for each step. */
const stepTimeoutMs = 300_000;
const lookAgainMs = 2_000;

/** Does by the command `ottla` what an operator does with such a cluster, and shows what an operator sees. */
export class Operator {
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  async createTopics(partitions: number): Promise<void> {
    await this.#until('quorum', 'describe');
    await this.#until('broker', 'list');
    for (const topic of this.#options.topics) {
      const configs =
        '[{"name":"min.insync.replicas","value":"2"},{"name":"unclean.leader.election.enable","value":"false"}]';
      const shape = ['--partitions', String(partitions), '--replication-factor', '3', '--configs', configs];
      await this.#until('topic', 'create', topic, ...shape);
    }
    await this.show();
  }

  /** What is to be done while things go wrong, each at its share of the time. */
  async work(): Promise<void> {
    await this.#at(0.15);
    await this.#reassignAll();
    await this.#at(0.45);
    await this.#drain();
    await this.#at(0.75);
    await this.#reassignAll();
    await this.#at(1);
  }

  async show(): Promise<void> {
    for (const topic of this.#options.topics) await this.#until('topic', 'describe', topic);
    await this.#until('broker', 'list');
    await this.#until('quorum', 'describe');
  }

  async #at(share: number): Promise<void> {
    const { transcript, durationMs } = this.#options;
    await pause(Math.max(0, share * durationMs - transcript.elapsedMs));
  }

  /** Each replica moves to the broker after its own, so that no partition keeps the replicas that it has. */
  async #reassignAll(): Promise<void> {
    const { transcript, folder, brokerCount, topics } = this.#options;
    transcript.say('reassigning every partition');
    const chosen = topics.flatMap((topic) => ['--topic', topic]);
    const { out } = await this.#until('reassignment', 'export', ...chosen);
    const partitions = listField(JSON.parse(out), 'partitions').map((each) => ({
      topic: field(each, 'topic'),
      partition: field(each, 'partition'),
      replicas: listField(each, 'replicas').map((id) => (Number(id) % brokerCount) + 1),
    }));
    const file = join(folder, 'plan.json');
    writeFileSync(file, JSON.stringify({ version: 1, partitions }));
    await this.#until('reassignment', 'alter', '--file', file);
    await this.#untilNothingMoves();
    for (const topic of topics) await this.#until('topic', 'describe', topic);
  }

  async #drain(): Promise<void> {
    const { transcript, drained } = this.#options;
    const id = String(drained);
    transcript.say(`draining broker ${id}`);
    await transcript.ottla('broker', 'drain', id, '--dry-run');
    await waitFor(
      `broker ${id} is empty`,
      async () => {
        await transcript.ottla('broker', 'drain', id);
        await this.#untilNothingMoves();
        const left = await this.#until('broker', 'partitions', id);
        return left.out.includes('TOPIC') ? new NotYet(left.out) : true;
      },
      { timeoutMs: stepTimeoutMs, pollMs: lookAgainMs },
    );
    await this.#until('broker', 'drain', id, '--dry-run');
    await this.#until('broker', 'uncordon', id);
  }

  async #untilNothingMoves(): Promise<void> {
    await waitFor(
      'no partition is being reassigned',
      async () => {
        const { out } = await this.#until('reassignment', 'list');
        return out.includes('No partition is being reassigned.') ? true : new NotYet(out);
      },
      { timeoutMs: stepTimeoutMs, pollMs: lookAgainMs },
    );
  }

  /** The same once more where no controller answers, or not everything was taken. */
  async #until(...args: readonly string[]): Promise<Screen> {
    return await waitFor(
      `ottla ${args.join(' ')} is done`,
      async () => {
        const screen = await this.#options.transcript.ottla(...args);
        return screen.exitCode === 0 ? screen : new NotYet(`exit code ${screen.exitCode}`);
      },
      { timeoutMs: stepTimeoutMs, pollMs: 1_000 },
    );
  }
}
