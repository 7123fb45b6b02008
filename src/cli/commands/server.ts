import type { Command } from 'commander';
import { assertDefined } from '../../base/assert.ts';
import { nodeId, type NodeId } from '../../base/brands.ts';
import type { Endpoint } from '../../raft/replica-key.ts';
import type { CliDependencies } from '../context.ts';
import { CliFailure } from '../failures.ts';
import { withSettings } from '../settings/options.ts';
import { signalled } from '../signals.ts';
import { addServerConfigCommand, settingsOf } from './server-config.ts';
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

/** The settings of a server, by their names. */
export type StartOptions = {
  readonly nodeId: number;
  readonly dataDir: string;
  readonly voters: readonly string[];
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
  readonly policyModule?: string;
  readonly set: readonly string[];
};

const startExample = `
Example, the first of three controllers on one machine:
  ottla server start --node-id 0 --data-dir ./data-0 \\
    --voters 0@127.0.0.1:9645,1@127.0.0.1:9647,2@127.0.0.1:9649 \\
    --http 127.0.0.1:9644`;

export function addServerCommands(program: Command, dependencies: CliDependencies): void {
  const { environment, terminal } = dependencies;
  const server = program.command('server').description('Run a controller.');
  withSettings(server.command('start'), 'server', environment)
    .description('Run one controller until a signal ends it.')
    .addHelpText('after', startExample)
    .action(async (options: StartOptions) => {
      const onAdministrator = (notice: AdministratorNotice): void =>
        terminal.err(administratorText(notice, terminal));
      const config = { ...readServerConfig(options), onAdministrator };
      const running = await startServer(config, dependencies);
      announce(config, running, terminal.err);
      const reload = (): void => void tellReload(running, terminal.err);
      process.on('SIGHUP', reload);
      await runUntilStopped(running, signalled()).finally(() => process.off('SIGHUP', reload));
    });
  addServerConfigCommand(server, dependencies);
}

/** A voter listens where the others look for it; an observer, which nobody looks for, says where itself. */
function peerAddress(given: string | undefined, nodeId: NodeId, voters: readonly VoterAddress[]): Endpoint {
  if (given !== undefined) return addressOf(given);
  const own = voters.find((voter) => voter.id === nodeId);
  if (own !== undefined) return { host: own.host, port: own.port };
  throw new CliFailure(
    'usage',
    `--voters does not name node ${nodeId}, so it does not say where it listens.`,
    'Give --peers, as in --peers 127.0.0.1:9645.',
  );
}

/** Each value has been checked by itself; whether they go together is seen here. */
export function readServerConfig(options: StartOptions): ServerConfig {
  const id = nodeId(options.nodeId);
  const voters = parseVoters(options.voters.join(','));
  if (!voters.ok) throw new CliFailure('usage', voters.error, 'Correct --voters.');
  return {
    nodeId: id,
    dataDir: options.dataDir,
    voters: voters.value,
    httpListen: addressOf(options.http),
    peerListen: peerAddress(options.peers, id, voters.value),
    tls: readServerTls(options),
    insecure: options.insecure,
    asksWho: options.authentication || !options.insecure,
    certificateRoles: options.certificateRole.map(readCertificateRole),
    apiBrowser: true,
    logLevel: options.logLevel,
    settings: settingsOf(options.set),
    ...(options.policyModule === undefined ? {} : { policyModule: options.policyModule }),
  };
}

function readCertificateRole(text: string): CertificateRole {
  const role = parseCertificateRole(text);
  if (role.ok) return role.value;
  throw new CliFailure('usage', role.error, 'Correct --certificate-role.');
}

function addressOf(text: string): Endpoint {
  return assertDefined(parseEndpoint(text) ?? undefined, 'the settings have been checked');
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
