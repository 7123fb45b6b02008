import { nodeId as checkedNodeId } from '../base/brands.ts';
import type { Policies } from '../metadata/policy.ts';
import type { ResourceKind } from '../metadata/resources/custom/kind.ts';
import { type CertificateRole, parseCertificateRole } from '../runtime/certificate-role.ts';
import {
  type AdministratorNotice,
  parseEndpoint,
  parseVoters,
  type LogLevel,
  type ServerStartError,
} from '../runtime/server-config.ts';
import type { Result } from '../base/result.ts';
import { startServer } from './start-server.ts';

export type CreateControllerOptions = {
  /** A whole number of at least 0, unique among the controllers. */
  readonly nodeId: number;
  /** Where log and state stand; made when it is not there, and locked while the controller runs. */
  readonly dataDir: string;
  /** All controllers of the first start, `id@host:port,…`, by the ports that peers use. */
  readonly voters: string;
  /** Where clients and brokers reach it, `host:port`; port 0 takes a free one. */
  readonly http: string;
  /** Where peers reach it; what `voters` says of this node when absent. */
  readonly peers?: string;
  /** Allows addresses without TLS that other machines can reach, and makes everybody an administrator. */
  readonly insecure?: boolean;
  /** Callers must say who they are even so, and not only where it is not insecure. */
  readonly asksWho?: boolean;
  /** Certificates that stand in for a token, as in `CN:operations=operator` or `DNS:broker-1=broker:1`. */
  readonly certificateRoles?: readonly string[];
  /** Told of the cluster's first administrator by the controller that has made it. */
  readonly onAdministrator?: (notice: AdministratorNotice) => void;
  readonly tls?: {
    readonly certificateFile: string;
    readonly keyFile: string;
    readonly authorityFile: string;
    readonly requireClientCertificate?: boolean;
  };
  /** Serves an API browser at `/docs`; it is loaded only when this is true. */
  readonly apiBrowser?: boolean;
  readonly logLevel?: LogLevel;
  /** Kinds of metadata of your own, the same for every controller of the cluster; `defineResource` makes them. */
  readonly resources?: readonly ResourceKind[];
  /** What you forbid beyond what Ottla refuses; the same for every controller of the cluster. */
  readonly policies?: Policies;
  /** By the names of `ControllerSettings` and of its `raft`; the rest have their defaults. */
  readonly settings?: Readonly<Record<string, number>>;
};

export type Controller = {
  readonly httpUrl: string;
  /** Resolves when the controller has ended, by `stop` or by itself, and says why. */
  readonly stopped: Promise<
    { readonly reason: 'asked' } | { readonly reason: 'failed'; readonly message: string }
  >;
  /** Reads certificates and keys again; they are also taken in when their files have changed. */
  reload(): Promise<Result<null, { readonly message: string }>>;
  /** Hands leadership over, answers what is pending, flushes and closes. */
  stop(): Promise<void>;
  /** As `stop`: `await using controller = await createController(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
};

/** Why a controller did not start; `code` is stable, `message` says what to do next. */
export class ControllerStartError extends Error {
  override readonly name = 'ControllerStartError';
  readonly code: ServerStartError['code'];

  constructor(error: ServerStartError) {
    super(error.message);
    this.code = error.code;
  }
}

/**
 * Starts a controller within this process: its node, and HTTP for brokers and clients.
 *
 * @throws {ControllerStartError} when an option is wrong, the directory is locked or damaged, or a port is taken.
 */
export async function createController(options: CreateControllerOptions): Promise<Controller> {
  const voters = parseVoters(options.voters);
  if (!voters.ok) throw new ControllerStartError({ code: 'CONFIG_INVALID', message: voters.error });
  const own = voters.value.find((voter) => voter.id === options.nodeId);
  const { tls } = options;
  const started = await startServer({
    nodeId: checkedNodeId(options.nodeId),
    dataDir: options.dataDir,
    voters: voters.value,
    httpListen: endpointOf(options.http, 'http'),
    peerListen:
      own !== undefined && options.peers === undefined ? own : endpointOf(options.peers ?? '', 'peers'),
    tls:
      tls === undefined ? null : { ...tls, requireClientCertificate: tls.requireClientCertificate ?? false },
    insecure: options.insecure ?? false,
    ...(options.asksWho === undefined ? {} : { asksWho: options.asksWho }),
    certificateRoles: (options.certificateRoles ?? []).map(certificateRoleOf),
    ...(options.onAdministrator === undefined ? {} : { onAdministrator: options.onAdministrator }),
    apiBrowser: options.apiBrowser ?? false,
    logLevel: options.logLevel ?? 'warn',
    settings: options.settings ?? {},
    resources: options.resources ?? [],
    ...(options.policies === undefined ? {} : { policies: options.policies }),
  });
  if (!started.ok) throw new ControllerStartError(started.error);
  const server = started.value;
  return {
    httpUrl: server.httpUrl,
    stopped: server.stopped,
    reload: () => server.reload(),
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

function certificateRoleOf(text: string): CertificateRole {
  const role = parseCertificateRole(text);
  if (role.ok) return role.value;
  throw new ControllerStartError({ code: 'CONFIG_INVALID', message: role.error });
}

function endpointOf(text: string, name: string): { readonly host: string; readonly port: number } {
  const endpoint = parseEndpoint(text);
  if (endpoint !== null) return endpoint;
  const message = `${name}: '${text}' is no address; write host:port, for example 127.0.0.1:9644.`;
  throw new ControllerStartError({ code: 'CONFIG_INVALID', message });
}
