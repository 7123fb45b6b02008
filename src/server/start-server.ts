import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { seededRandom } from '../base/random.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { RunningServer, ServerConfig, ServerEnd, ServerStartError } from '../runtime/server-config.ts';
import { decodePeerMessage, encodePeerMessage } from '../codec/peer-message.ts';
import {
  type Authentication,
  type HttpLimits,
  type HttpServer,
  startHttpServer,
  type TlsMaterial,
} from '../http/index.ts';
import { registryOf } from '../metadata/registry.ts';
import type { Logger } from '../ports/logger.ts';
import type { NodeStatus } from '../runtime/controller-api.ts';
import { type ControllerNode, createControllerNode, type StartError } from '../runtime/controller-node.ts';
import { apiOperations } from '../runtime/quorum-operations/api-operations.ts';
import type { ControllerPorts, NodeTransport } from '../runtime/node-options.ts';
import {
  acquireDirectoryLock,
  type DirectoryLock,
  type DirectoryLockError,
} from '../storage/directory-lock.ts';
import { NodeFiles } from '../storage/files.ts';
import { LevelStores } from '../storage/level-stores.ts';
import { defaultTransportLimits } from '../transport/limits.ts';
import { isLoopbackHost } from '../transport/loopback.ts';
import { createTcpTransport } from '../transport/tcp-transport.ts';
import { assertDefined, assertNever } from '../base/assert.ts';
import { Administrators } from './administrators.ts';
import { Certificates, type PeerCertificates } from './certificates.ts';
import { nodeClock } from '../client/node-clock.ts';
import { createLogger } from './pino-logger.ts';
import { readPolicies } from './policies.ts';
import { resolveSettings, type ServerSettings } from './settings.ts';
import { tcpProber } from './tcp-prober.ts';
import { readTls } from './tls-files.ts';
import { readVersion } from './version.ts';

/** How often the files of certificates are looked at. */
const certificatePollMs = 10_000;

type Started = Result<RunningServer, ServerStartError>;

/** Starts one controller process: the lock, the node, then HTTP. What was started is undone when a later part fails. */
export async function startServer(config: ServerConfig): Promise<Started> {
  const settings = resolveSettings(config.settings ?? {});
  if (!settings.ok) return failed({ code: 'CONFIG_INVALID', message: settings.error });
  const insecure = insecureListener(config);
  if (insecure !== null) return failed({ code: 'INSECURE_LISTENER', message: insecure });
  const certificateFault = faultOfCertificateRoles(config);
  if (certificateFault !== null) return failed({ code: 'CONFIG_INVALID', message: certificateFault });
  const policies = await readPolicies(config);
  if (!policies.ok) return failed({ code: 'CONFIG_INVALID', message: policies.error });
  const tls = await readTls(config.tls, (config.certificateRoles ?? []).length > 0);
  if (!tls.ok) return tls;
  const locked = await acquireDirectoryLock(config.dataDir);
  if (!locked.ok) return failed(lockError(locked.error));
  const server = new Server({ ...config, policies: policies.value }, settings.value, locked.value);
  const started = await server.start(tls.value);
  if (!started.ok) await server.abandon();
  return started;
}

class Server implements RunningServer {
  readonly #config: ServerConfig;
  readonly #limits: HttpLimits;
  readonly #lock: DirectoryLock;
  readonly #logger: Logger;
  readonly #node: ControllerNode;
  readonly #administrators: Administrators | null;
  #peers: PeerCertificates | null = null;
  #certificates: Certificates | null = null;
  #http: HttpServer | null = null;
  #stopping: Promise<void> | null = null;
  #end: (end: ServerEnd) => void = () => {};
  readonly stopped: Promise<ServerEnd>;

  constructor(config: ServerConfig, settings: ServerSettings, lock: DirectoryLock) {
    this.#config = config;
    this.#limits = settings.http;
    this.#lock = lock;
    this.#logger = createLogger(config.logLevel, { node: config.nodeId });
    this.stopped = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#node = createControllerNode({
      nodeId: config.nodeId,
      directory: join(config.dataDir, 'metadata'),
      configuredVoters: config.voters.map(({ id, host, port }) => ({ id, endpoint: { host, port } })),
      advertised: advertisedEndpoint(config),
      settings: settings.node,
      registry: registryOf(config.resources ?? []),
      policies: config.policies ?? {},
      ports: createPorts(config, this.#logger, (transport) => {
        this.#peers = transport;
      }),
      onFatal: (reason) => void this.#failed(reason),
    });
    this.#administrators = authenticationOf(config) === 'off' ? null : this.#createAdministrators();
  }

  get httpUrl(): string {
    return this.#http?.url ?? '';
  }

  status(): NodeStatus {
    return this.#node.status();
  }

  async start(tls: TlsMaterial | null): Promise<Started> {
    const node = await new Promise<Result<null, StartError>>((resolve) => this.#node.start(resolve));
    if (!node.ok) return failed(nodeError(node.error));
    const { httpListen, insecure } = this.#config;
    const http = await startHttpServer({
      controller: this.#node,
      operations: apiOperations,
      resources: this.#config.resources ?? [],
      listen: httpListen,
      tls,
      authentication: authenticationOf(this.#config),
      insecure,
      limits: this.#limits,
      version: readVersion(),
      apiBrowser: this.#config.apiBrowser ?? false,
      logger: this.#logger,
    });
    if (!http.ok) return failed(http.error);
    if (this.#stopping !== null) {
      await http.value.close();
      const message = 'The node has stopped while it started; what it logged says why.';
      return failed({ code: 'DIRECTORY_UNUSABLE', message });
    }
    this.#http = http.value;
    await this.#watchCertificates(http.value);
    this.#administrators?.start();
    return ok(this);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#shutDown({ reason: 'asked' });
    return this.#stopping;
  }

  reload(): Promise<Result<null, { readonly message: string }>> {
    return this.#certificates?.reload() ?? Promise.resolve(ok(null));
  }

  async #watchCertificates(http: HttpServer): Promise<void> {
    const { tls, certificateRoles } = this.#config;
    if (tls === null) return;
    this.#certificates = new Certificates({
      tls,
      hasCertificateRoles: (certificateRoles ?? []).length > 0,
      http,
      peers: assertDefined(this.#peers, 'a node that has started has a transport'),
      logger: this.#logger,
      pollMs: certificatePollMs,
    });
    await this.#certificates.start();
  }

  #createAdministrators(): Administrators {
    const { dataDir, onAdministrator = () => {} } = this.#config;
    return new Administrators({
      node: this.#node,
      dataDir,
      logger: this.#logger,
      wallMs: () => nodeClock.wallMs(),
      onAdministrator,
    });
  }

  /** Undoes a start that did not succeed. */
  async abandon(): Promise<void> {
    await this.stop();
  }

  async #failed(message: string): Promise<void> {
    this.#stopping ??= this.#shutDown({ reason: 'failed', message });
    await this.#stopping;
  }

  /** Leadership is handed over before the door is closed, so that waiting requests get their answers. */
  async #shutDown(end: ServerEnd): Promise<void> {
    this.#administrators?.stop();
    this.#certificates?.stop();
    await new Promise<void>((resolve) => this.#node.stop(resolve));
    await this.#http?.close();
    await this.#lock.release();
    this.#end(end);
  }
}

function createPorts(
  config: ServerConfig,
  logger: Logger,
  onTransport: (transport: PeerCertificates) => void,
): ControllerPorts {
  // Two processes of one node must not begin alike.
  const random = seededRandom(randomInt(2 ** 47));
  return {
    files: new NodeFiles(),
    checkpointStores: new LevelStores(join(config.dataDir, 'checkpoints')),
    clock: nodeClock,
    random,
    logger,
    prober: tcpProber,
    createTransport: (local, events): NodeTransport => {
      const transport = createTcpTransport(
        {
          local,
          listen: config.peerListen,
          tls: config.tls === null ? null : peerTls(config.tls),
          insecure: config.insecure,
          limits: defaultTransportLimits,
          clock: nodeClock,
          random: random.fork(),
          logger,
          encode: encodePeerMessage,
          decode: decodePeerMessage,
        },
        events,
      );
      onTransport(transport);
      return transport;
    },
  };
}

function peerTls(tls: NonNullable<ServerConfig['tls']>): Parameters<typeof createTcpTransport>[0]['tls'] {
  const { certificateFile, keyFile, authorityFile } = tls;
  return { certificateFile, keyFile, authorityFile: authorityFile ?? certificateFile, mutual: true };
}

/** Where peers find this node: what the voters' list says of it, or where it listens. */
function advertisedEndpoint({ nodeId, voters, peerListen }: ServerConfig): { host: string; port: number } {
  const own = voters.find((voter) => voter.id === nodeId);
  return own === undefined ? peerListen : { host: own.host, port: own.port };
}

function authenticationOf({ insecure, asksWho, certificateRoles }: ServerConfig): Authentication {
  return (asksWho ?? !insecure) ? { certificateRoles: certificateRoles ?? [] } : 'off';
}

function faultOfCertificateRoles({ certificateRoles, tls }: ServerConfig): string | null {
  if ((certificateRoles ?? []).length === 0) return null;
  if (tls !== null && tls.authorityFile !== null) return null;
  return 'Certificates cannot be given roles without TLS and the authority that signs them. Give a certificate, a key and an authority.';
}

function insecureListener({ peerListen, httpListen, tls, insecure }: ServerConfig): string | null {
  if (tls !== null || insecure) return null;
  const open = [peerListen, httpListen].find(({ host }) => !isLoopbackHost(host));
  if (open === undefined) return null;
  return `${open.host}:${open.port} can be reached by other machines and has no TLS. Give a certificate and key, listen on 127.0.0.1, or pass --insecure.`;
}

function lockError({ code, message }: DirectoryLockError): ServerStartError {
  switch (code) {
    case 'LOCKED':
      return {
        code: 'DIRECTORY_LOCKED',
        message: `${message}. Stop that process, or give another --data-dir.`,
      };
    case 'NO_SPACE':
      // Another directory would be an empty one: a controller that has forgotten what it promised.
      return {
        code: 'DIRECTORY_UNUSABLE',
        message: `${message}. Make room on its disk, and start it again.`,
      };
    case 'IO':
      return { code: 'DIRECTORY_UNUSABLE', message: `${message}. Give a --data-dir that can be written to.` };
    default:
      return assertNever(code);
  }
}

function nodeError({ code, message }: StartError): ServerStartError {
  switch (code) {
    case 'STORAGE':
      return { code: 'STORAGE_CORRUPT', message };
    case 'ADDRESS_IN_USE':
    case 'INSECURE_LISTENER':
      return { code, message };
    case 'TLS_CONFIGURATION':
      return { code: 'INVALID_TLS', message };
    default:
      return { code: 'ADDRESS_UNAVAILABLE', message };
  }
}
