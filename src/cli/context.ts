import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { createClient, type Client } from '../client/create-client.ts';
import type { ClientTls } from '../client/exchange.ts';
import type { CallOptions } from '../client/typed.ts';
import { CliFailure } from './failures.ts';
import type { Terminal } from './output/terminal.ts';
import type { ReadLogDirectory, StartServer } from '../runtime/server-config.ts';

/** What the commands get from outside; the composition root fills it in, tests fill it in otherwise. */
export type CliDependencies = {
  readonly startServer: StartServer;
  readonly readLogDirectory: ReadLogDirectory;
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** The file that starts this program again, for the children of `ottla dev`. */
  readonly entryFile: string;
};

export const defaultEndpoints: readonly string[] = [
  'http://127.0.0.1:9644',
  'http://127.0.0.1:9646',
  'http://127.0.0.1:9648',
];

/** Options of every command that asks a cluster. */
export type ClusterOptions = {
  readonly endpoints: string;
  readonly output: 'table' | 'json';
  readonly timeout: string;
  readonly tlsAuthority?: string;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
};

export function withClusterOptions(command: Command, environment: CliDependencies['environment']): Command {
  const endpoints = environment['OTTLA_ENDPOINTS'] ?? defaultEndpoints.join(',');
  return withOutputOption(command)
    .option('--endpoints <urls>', 'controllers to ask, separated by commas (or OTTLA_ENDPOINTS)', endpoints)
    .option('--timeout <ms>', 'how long to wait for an answer', '10000')
    .option('--tls-authority <file>', 'PEM of the authority that signed the servers’ certificates')
    .option('--tls-certificate <file>', 'PEM of this client’s certificate')
    .option('--tls-key <file>', 'PEM of this client’s key');
}

/** Of every command that changes something: what it would do is said, and nothing is done. */
export function withDryRun(command: Command): Command {
  return command.option('--dry-run', 'say what would be done, and do nothing');
}

export type DryRunOption = { readonly dryRun?: boolean };

export function callOptionsOf({ dryRun }: DryRunOption): CallOptions {
  return dryRun === true ? { validateOnly: true } : {};
}

export function withOutputOption(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <form>', 'how to show the answer').choices(['table', 'json']).default('table'),
  );
}

export function endpointsOf(options: ClusterOptions): readonly string[] {
  const endpoints = options.endpoints
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (endpoints.length > 0) return endpoints;
  throw new CliFailure(
    'usage',
    '--endpoints names nobody.',
    'Give at least one, as in http://127.0.0.1:9644.',
  );
}

/** A client for some of the endpoints; it is closed when `use` is done. */
export async function withClient<Value>(
  options: ClusterOptions,
  endpoints: readonly string[],
  use: (client: Client) => Promise<Value>,
): Promise<Value> {
  const timeoutMs = positiveInteger(options.timeout, '--timeout');
  const client = makeClient(options, endpoints, timeoutMs);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

function makeClient(options: ClusterOptions, endpoints: readonly string[], timeoutMs: number): Client {
  const tls = readTls(options);
  try {
    return createClient({ endpoints, timeoutMs, ...(tls === null ? {} : { tls }) });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CliFailure('usage', error.message, 'Correct --endpoints.');
  }
}

function readTls(options: ClusterOptions): ClientTls | null {
  const { tlsAuthority, tlsCertificate, tlsKey } = options;
  if (tlsAuthority === undefined && tlsCertificate === undefined && tlsKey === undefined) return null;
  return {
    ...(tlsAuthority === undefined ? {} : { authority: readPem(tlsAuthority) }),
    ...(tlsCertificate === undefined ? {} : { certificate: readPem(tlsCertificate) }),
    ...(tlsKey === undefined ? {} : { key: readPem(tlsKey) }),
  };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliFailure('usage', `${file} cannot be read: ${reason}.`, 'Give the name of a PEM file.');
  }
}

export function positiveInteger(text: string, option: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value >= 1) return value;
  throw new CliFailure(
    'usage',
    `${option} ${text} is not a whole number above 0.`,
    `Give one, as in ${option} 1000.`,
  );
}

/** Shows an answer in the form that was asked for. */
export function show(terminal: Terminal, form: 'table' | 'json', answer: unknown, table: () => string): void {
  terminal.out(form === 'json' ? `${JSON.stringify(answer, null, 2)}\n` : table());
}
