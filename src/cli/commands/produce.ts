import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import {
  type CliDependencies,
  type ClusterOptions,
  endpointsOf,
  withClient,
  withClusterOptions,
} from '../context.ts';
import { partitionOfKey } from '../data/murmur2.ts';
import { PartitionLeaders } from '../data/partition-leaders.ts';
import { CliFailure } from '../failures.ts';
import { show } from '../output/forms.ts';
import { wholeNumber } from './log.ts';

type ProduceOptions = ClusterOptions & {
  readonly topic: string;
  readonly partition?: string;
  readonly key?: string;
  readonly acks: string;
};

/** Of lines that have arrived, so many travel together. */
const recordsPerRequestMax = 500;
const charactersPerRequestMax = 262_144;

const example = `
Example:
  printf 'one\\ntwo\\n' | ottla produce --topic orders --key customer-7`;

export function addProduceCommand(program: Command, dependencies: CliDependencies): void {
  withClusterOptions(program.command('produce'), dependencies.environment)
    .description('Write lines of standard input to a topic, one record each.')
    .requiredOption('--topic <topic>', 'the topic’s name')
    .option('--partition <partition>', 'the partition; by the key, or one after the other, when absent')
    .option('--key <key>', 'the key of every record')
    .option('--acks <acks>', 'all, 1 or 0: whose disks have a record before the next is sent', 'all')
    .addHelpText('after', example)
    .action(async (options: ProduceOptions) => {
      await withClient(options, endpointsOf(options), (client) =>
        produceLines(client, options, dependencies),
      );
    });
}

type Counted = { partition: number; records: number; baseOffset: number | null };

async function produceLines(
  client: Client,
  options: ProduceOptions,
  { readLines, terminal }: CliDependencies,
): Promise<void> {
  const { topic, key, acks, requestTimeoutMs } = options;
  const leaders = new PartitionLeaders(client, topic, requestTimeoutMs);
  try {
    const next = nextPartition(options, await leaders.partitionCount());
    const counts = new Map<number, Counted>();
    for await (const values of gathered(readLines())) {
      const partition = next();
      const records = values.map((value) => ({ key: key ?? null, value }));
      const path = `/records?acks=${encodeURIComponent(acks)}&timeout_ms=${requestTimeoutMs}`;
      const asked = { operationId: 'produce', partition, method: 'POST', path, body: { records } } as const;
      const { baseOffset } = await leaders.ask(asked);
      const known = counts.get(partition) ?? {
        partition,
        records: 0,
        baseOffset: typeof baseOffset === 'number' ? baseOffset : null,
      };
      known.records += records.length;
      counts.set(partition, known);
    }
    const partitions = [...counts.values()].toSorted((left, right) => left.partition - right.partition);
    await show(terminal, options.output, { topic, partitions }, () => text(topic, partitions));
  } finally {
    await leaders.close();
  }
}

function text(topic: string, partitions: readonly Counted[]): string {
  if (partitions.length === 0) return 'There was no line to write.\n';
  return partitions
    .map(({ partition, records, baseOffset }) => {
      const from = baseOffset === null ? '' : `, the first of them at offset ${baseOffset}`;
      return `${topic} ${partition}: ${records} ${records === 1 ? 'record' : 'records'}${from}.\n`;
    })
    .join('');
}

function nextPartition({ partition, key }: ProduceOptions, count: number): () => number {
  if (partition !== undefined) {
    const given = wholeNumber(partition, '--partition');
    if (given >= count) {
      throw new CliFailure('usage', `There are ${count} partitions, from 0.`, 'Correct --partition.');
    }
    return () => given;
  }
  if (key !== undefined) return () => partitionOfKey(key, count);
  let next = 0;
  return () => next++ % count;
}

/** Lines as they come; those that have come while the ones before were written, together. */
async function* gathered(lines: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  const waiting: string[] = [];
  let characters = 0;
  const iterator = lines[Symbol.asyncIterator]();
  let coming = iterator.next();
  for (;;) {
    // A line that is there already is taken along; one that is yet to come is not waited for.
    const isFull = waiting.length >= recordsPerRequestMax || characters >= charactersPerRequestMax;
    const found = isFull || waiting.length > 0 ? await soon(coming, isFull) : await coming;
    if (found !== null && found.done !== true) {
      waiting.push(found.value);
      characters += found.value.length;
      coming = iterator.next();
      continue;
    }
    if (waiting.length > 0) yield waiting.splice(0);
    characters = 0;
    if (found?.done === true) return;
  }
}

function soon<Value>(coming: Promise<Value>, isFull: boolean): Promise<Value | null> {
  if (isFull) return Promise.resolve(null);
  const turn = new Promise<null>((resolve) => setImmediate(() => resolve(null)));
  return Promise.race([coming, turn]);
}
