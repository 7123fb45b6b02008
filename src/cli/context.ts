import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import type { Result } from '../base/result.ts';
import type { BrokerConfig, BrokerStartError, RunningBroker } from '../broker/start-broker.ts';
import { createClient, type Client } from '../client/create-client.ts';
import type { ClientTls } from '../client/exchange.ts';
import { isToken } from '../client/protocol/bearer-token.ts';
import type { CallOptions } from '../client/typed.ts';
import { CliFailure } from './failures.ts';
import { outputForms, type OutputForm } from './output/forms.ts';
import type { Terminal } from './output/terminal.ts';
import type { ScreenDevice } from './screen/screen.ts';
import { withSettings } from './settings/options.ts';
import type {
  InspectStorage,
  LogLevel,
  ReadLogDirectory,
  RequestAdministrator,
  ResolveServerSettings,
  StartServer,
} from '../runtime/server-config.ts';

/** What the commands get from outside; the composition root fills it in, tests fill it in otherwise. */
export type CliDependencies = {
  readonly startServer: StartServer;
  readonly startBroker: (
    config: BrokerConfig & { readonly logLevel: LogLevel },
  ) => Promise<Result<RunningBroker, BrokerStartError>>;
  /** Standard input, line by line. */
  readonly readLines: () => AsyncIterable<string>;
  readonly readLogDirectory: ReadLogDirectory;
  readonly inspectStorage: InspectStorage;
  readonly requestAdministrator: RequestAdministrator;
  readonly resolveServerSettings: ResolveServerSettings;
  readonly terminal: Terminal;
  /** To draw on; null where the output is no terminal. */
  readonly screen: ScreenDevice | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** The file that starts this program again, for the children of `ottla dev`. */
  readonly entryFile: string;
};

/** Options of every command that asks a cluster: the settings of clients, by their names. */
export type ClusterOptions = {
  readonly endpoints: readonly string[];
  readonly output: OutputForm;
  readonly requestTimeoutMs: number;
  readonly tlsAuthority?: string;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
  readonly tokenFile?: string;
  /** From the environment alone: what stands in a command line is seen by everybody on the machine. */
  readonly token?: string;
};

export function withClusterOptions(command: Command, environment: CliDependencies['environment']): Command {
  if (environment['OTTLA_TOKEN'] !== undefined) command.setOptionValue('token', environment['OTTLA_TOKEN']);
  return withSettings(command, 'client', environment);
}

/** Of every command that changes something: what it would do is said, and nothing is done. */
export function withDryRun(command: Command): Command {
  return command.option('--dry-run', 'say what would be done, and do nothing');
}

/** Of every command that shows what the cluster's metadata are. */
export function withAtOffset(command: Command): Command {
  return command.option('--at-offset <offset>', 'show the past: the state at this offset, while it is kept');
}

export type PastOption = { readonly atOffset?: string };

export type DryRunOption = { readonly dryRun?: boolean };

export function callOptionsOf({ dryRun, atOffset }: DryRunOption & PastOption): CallOptions {
  return {
    ...(dryRun === true ? { validateOnly: true } : {}),
    ...(atOffset === undefined ? {} : { atOffset: readOffset(atOffset) }),
  };
}

function readOffset(text: string): number {
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : -1;
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new CliFailure(
    'usage',
    `--at-offset ${text} is not an offset.`,
    'Give a whole number, as an answer has it in ottla-offset.',
  );
}

export function withOutputOption(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <form>', 'how to show the answer').choices(outputForms).default('table'),
  );
}

export function endpointsOf({ endpoints }: ClusterOptions): readonly string[] {
  return endpoints;
}

/** A client for some of the endpoints; it is closed when `use` is done. */
export async function withClient<Value>(
  options: ClusterOptions,
  endpoints: readonly string[],
  use: (client: Client) => Promise<Value>,
): Promise<Value> {
  const client = makeClient(options, endpoints, options.requestTimeoutMs);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** A controller that starts again is back by then; who waits in front of a terminal is to know otherwise. */
const refusedMaxMs = 3_000;

function makeClient(options: ClusterOptions, endpoints: readonly string[], timeoutMs: number): Client {
  const tls = readTls(options);
  const token = readToken(options);
  try {
    return createClient({
      endpoints,
      timeoutMs,
      refusedMaxMs,
      ...(tls === null ? {} : { tls }),
      ...(token === null ? {} : { token }),
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CliFailure('usage', error.message, 'Correct --endpoints.');
  }
}

export function readTls(
  options: Pick<ClusterOptions, 'tlsAuthority' | 'tlsCertificate' | 'tlsKey'>,
): ClientTls | null {
  const { tlsAuthority, tlsCertificate, tlsKey } = options;
  if (tlsAuthority === undefined && tlsCertificate === undefined && tlsKey === undefined) return null;
  return {
    ...(tlsAuthority === undefined ? {} : { authority: readPem(tlsAuthority) }),
    ...(tlsCertificate === undefined ? {} : { certificate: readPem(tlsCertificate) }),
    ...(tlsKey === undefined ? {} : { key: readPem(tlsKey) }),
  };
}

/** What is no token is not sent, and not repeated in a message either: it may be another secret. */
export function readToken({ tokenFile, token }: Pick<ClusterOptions, 'tokenFile' | 'token'>): string | null {
  const text = tokenFile === undefined ? token : readText(tokenFile, 'Give the name of a file with a token.');
  if (text === undefined || text.trim() === '') return null;
  if (isToken(text.trim())) return text.trim();
  const where = tokenFile === undefined ? 'OTTLA_TOKEN' : tokenFile;
  throw new CliFailure('usage', `What stands in ${where} is no token.`, 'Tokens look like this: ottla_…');
}

function readPem(file: string): string {
  return readText(file, 'Give the name of a PEM file.');
}

export function readText(file: string, advice: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliFailure('usage', `${file} cannot be read: ${reason}.`, advice);
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
