import { Option, type Command } from 'commander';
import { isNodeId, type NodeId } from '../../base/brands.ts';
import type { Endpoint } from '../../raft/replica-key.ts';
import type { CliDependencies } from '../context.ts';
import { CliFailure } from '../failures.ts';
import { signalled } from '../signals.ts';
import { administratorText, announce } from '../standing.ts';
import { type CertificateRole, parseCertificateRole } from '../../runtime/certificate-role.ts';
import {
  type AdministratorNotice,
  parseEndpoint,
  parseVoters,
  type LogLevel,
  type RunningServer,
  type ServerConfig,
  type ServerEnd,
  type ServerTls,
  type VoterAddress,
} from '../../runtime/server-config.ts';

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[];

type StartOptions = {
  readonly nodeId: string;
  readonly dataDir: string;
  readonly voters: string;
  readonly http: string;
  readonly peers?: string;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
  readonly tlsAuthority?: string;
  readonly tlsClientCertificates: boolean;
  readonly insecure: boolean;
  readonly authentication: boolean;
  readonly certificateRole: readonly string[];
  readonly logLevel: LogLevel;
  readonly set: readonly string[];
};

export function addServerCommands(program: Command, dependencies: CliDependencies): void {
  const server = program.command('server').description('Run a controller.');
  withStartOptions(server.command('start').description('Run one controller until a signal ends it.'))
    .addHelpText(
      'after',
      `
Example, the first of three controllers on one machine:
  ottla server start --node-id 0 --data-dir ./data-0 \\
    --voters 0@127.0.0.1:9645,1@127.0.0.1:9647,2@127.0.0.1:9649 \\
    --http 127.0.0.1:9644`,
    )
    .action(async (options: StartOptions) => {
      const { terminal } = dependencies;
      const onAdministrator = (notice: AdministratorNotice): void =>
        terminal.err(administratorText(notice, terminal));
      const config = { ...readServerConfig(options), onAdministrator };
      const running = await startServer(config, dependencies);
      announce(config, running, terminal.err);
      const reload = (): void => void tellReload(running, terminal.err);
      process.on('SIGHUP', reload);
      await runUntilStopped(running, signalled()).finally(() => process.off('SIGHUP', reload));
    });
}

export function withStartOptions(command: Command): Command {
  return command
    .requiredOption('--node-id <id>', 'this controller’s id, a whole number')
    .requiredOption('--data-dir <directory>', 'where its log and state stand; made when it is not there')
    .requiredOption(
      '--voters <voters>',
      'all controllers of the first start: id@host:port,… (ports for peers)',
    )
    .option('--http <address>', 'where clients and brokers reach it', '127.0.0.1:9644')
    .option('--peers <address>', 'where it listens for the other controllers; what --voters says when absent')
    .option('--tls-certificate <file>', 'PEM of its certificate, for clients and peers')
    .option('--tls-key <file>', 'PEM of its key')
    .option(
      '--tls-authority <file>',
      'PEM of the authority that signed its peers’ (and clients’) certificates',
    )
    .option('--tls-client-certificates', 'let only clients in that show a certificate', false)
    .option(
      '--insecure',
      'allow addresses without TLS that other machines can reach, and ask nobody who they are',
      false,
    )
    .option('--authentication', 'ask everybody who they are, even with --insecure', false)
    .option(
      '--certificate-role <name=role>',
      'give client certificates a role, as in CN:ops=operator or DNS:b1.example.org=broker:1; may be repeated',
      collect,
      [],
    )
    .option(
      '--set <name=number>',
      'change a setting, as in segmentBytes=1048576; may be repeated',
      collect,
      [],
    )
    .addOption(new Option('--log-level <level>', 'how much it says').choices(logLevels).default('info'));
}

/** A voter listens where the others look for it; an observer, which nobody looks for, says where itself. */
function peerAddress(given: string | undefined, nodeId: NodeId, voters: readonly VoterAddress[]): Endpoint {
  if (given !== undefined) return readAddress(given, '--peers');
  const own = voters.find((voter) => voter.id === nodeId);
  if (own !== undefined) return { host: own.host, port: own.port };
  throw new CliFailure(
    'usage',
    `--voters does not name node ${nodeId}, so it does not say where it listens.`,
    'Give --peers, as in --peers 127.0.0.1:9645.',
  );
}

export function readServerConfig(options: StartOptions): ServerConfig {
  const nodeId = /^\d{1,10}$/.test(options.nodeId) ? Number(options.nodeId) : -1;
  if (!isNodeId(nodeId)) {
    throw new CliFailure(
      'usage',
      `--node-id ${options.nodeId} is not a whole number.`,
      'Give one, as in --node-id 0.',
    );
  }
  const voters = parseVoters(options.voters);
  if (!voters.ok) throw new CliFailure('usage', voters.error, 'Correct --voters.');
  return {
    nodeId,
    dataDir: options.dataDir,
    voters: voters.value,
    httpListen: readAddress(options.http, '--http'),
    peerListen: peerAddress(options.peers, nodeId, voters.value),
    tls: readServerTls(options),
    insecure: options.insecure,
    asksWho: options.authentication || !options.insecure,
    certificateRoles: options.certificateRole.map(readCertificateRole),
    apiBrowser: true,
    logLevel: options.logLevel,
    settings: readSettings(options.set),
  };
}

function collect(text: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, text];
}

function readCertificateRole(text: string): CertificateRole {
  const role = parseCertificateRole(text);
  if (role.ok) return role.value;
  throw new CliFailure('usage', role.error, 'Correct --certificate-role.');
}

/** Whether there is such a setting and it may have this value says the server. */
function readSettings(texts: readonly string[]): Readonly<Record<string, number>> {
  const settings = new Map<string, number>();
  for (const text of texts) {
    const match = /^([A-Za-z]+)=(\d{1,15})$/.exec(text);
    if (match === null) {
      throw new CliFailure(
        'usage',
        `--set ${text} is not a setting.`,
        'Give one, as in --set segmentBytes=1048576.',
      );
    }
    settings.set(match[1] ?? '', Number(match[2]));
  }
  return Object.fromEntries(settings);
}

function readAddress(text: string, option: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== null) return endpoint;
  throw new CliFailure(
    'usage',
    `${option} ${text} is not an address.`,
    `Give host and port, as in ${option} 127.0.0.1:9644.`,
  );
}

function readServerTls(options: StartOptions): ServerTls | null {
  const { tlsCertificate, tlsKey, tlsAuthority } = options;
  if (tlsCertificate === undefined && tlsKey === undefined && tlsAuthority === undefined) return null;
  if (tlsCertificate === undefined || tlsKey === undefined) {
    throw new CliFailure(
      'usage',
      'TLS needs a certificate and its key.',
      'Give both --tls-certificate and --tls-key.',
    );
  }
  if (options.tlsClientCertificates && tlsAuthority === undefined) {
    throw new CliFailure(
      'usage',
      'Client certificates cannot be checked without the authority that signed them.',
      'Give --tls-authority as well.',
    );
  }
  return {
    certificateFile: tlsCertificate,
    keyFile: tlsKey,
    authorityFile: tlsAuthority ?? null,
    requireClientCertificate: options.tlsClientCertificates,
  };
}

export async function startServer(
  config: ServerConfig,
  dependencies: CliDependencies,
): Promise<RunningServer> {
  const started = await dependencies.startServer(config);
  if (started.ok) return started.value;
  throw new CliFailure('cannotStart', started.error.message, `Controller ${config.nodeId} was not started.`);
}

/** Resolves when the node was asked to end and has; rejects when it ended by itself. */
export async function runUntilStopped(running: RunningServer, asked: Promise<unknown>): Promise<void> {
  const first = await Promise.race([asked.then(() => null), running.stopped]);
  const end: ServerEnd = first ?? (await stop(running));
  if (end.reason === 'failed') {
    throw new CliFailure(
      'stopped',
      `The controller stopped: ${end.message}`,
      'Mend what it names, then start it again.',
    );
  }
}

async function stop(running: RunningServer): Promise<ServerEnd> {
  await running.stop();
  return running.stopped;
}

/** SIGHUP, as with other servers: what can be read anew is, and the process goes on. */
async function tellReload(running: RunningServer, say: (text: string) => void): Promise<void> {
  const reloaded = await running.reload();
  say(
    reloaded.ok
      ? 'Certificates were read again.\n'
      : `Certificates were not replaced, the old ones stay: ${reloaded.error.message}\n`,
  );
}
