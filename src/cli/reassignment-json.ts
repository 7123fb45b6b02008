import { CliFailure } from './failures.ts';
import { parseJson } from './json.ts';
import { isRecord } from './records.ts';

/** One partition of Kafka's reassignment JSON. */
export type ReassignedPartition = {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[];
};

/** The only word for a directory that means the same to every broker: let it choose. */
const anyDirectory = 'any';

/**
 * What `kafka-reassign-partitions` reads: `{"version":1,"partitions":[{"topic","partition","replicas","log_dirs"}]}`.
 * A path in `log_dirs` is refused: which directories a broker has, it alone knows.
 */
export function parseReassignment(text: string, file: string): readonly ReassignedPartition[] {
  const complain = (what: string): never => {
    throw new CliFailure('usage', `${file} ${what}.`, `Write it as in ${example}`);
  };
  const json = parseJson(text) ?? complain('is not JSON');
  if (!isRecord(json)) return complain('is no object');
  if (json['version'] !== 1) complain(`is of version ${String(json['version'])}, and must be of version 1`);
  const { partitions } = json;
  if (!Array.isArray(partitions) || partitions.length === 0) return complain('names no partition');
  return partitions.map((entry: unknown, at) => {
    const fault = isRecord(entry) ? findEntryFault(entry) : 'is no object';
    if (fault !== null) complain(`has a wrong entry: number ${at + 1} ${fault}`);
    const { topic, partition, replicas } = entry as ReassignedPartition;
    return { topic, partition, replicas };
  });
}

const example =
  '{"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[1,2,3],"log_dirs":["any","any","any"]}]}';

function findEntryFault(entry: Readonly<Record<string, unknown>>): string | null {
  const { topic, partition, replicas, log_dirs: logDirs } = entry;
  if (typeof topic !== 'string') return 'names no topic';
  if (!isId(partition)) return 'has no partition';
  if (!Array.isArray(replicas) || !replicas.every(isId)) return 'has no list of replicas';
  if (logDirs === undefined) return null;
  if (!Array.isArray(logDirs) || logDirs.length !== replicas.length) {
    return 'has not as many log_dirs as replicas';
  }
  return logDirs.every((directory) => directory === anyDirectory)
    ? null
    : `has a log directory other than "${anyDirectory}", and brokers choose theirs themselves`;
}

function isId(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0;
}

/** The same text as Kafka's tool writes, so that either reads what the other wrote. */
export function formatReassignment(partitions: readonly ReassignedPartition[]): string {
  const entries = partitions.map(({ topic, partition, replicas }) => ({
    topic,
    partition,
    replicas,
    log_dirs: replicas.map(() => anyDirectory),
  }));
  return JSON.stringify({ version: 1, partitions: entries });
}
