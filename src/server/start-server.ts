import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { seededRandom } from '../base/random.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { RunningServer, ServerConfig, ServerEnd, ServerStartError } from '../runtime/server-config.ts';
import { decodePeerMessage, encodePeerMessage } from '../codec/peer-message.ts';
import { type HttpServer, startHttpServer, type TlsMaterial } from '../http/index.ts';
import type { Logger } from '../ports/logger.ts';
import type { NodeStatus } from '../runtime/controller-api.ts';
import { type ControllerNode, createControllerNode, type StartError } from '../runtime/controller-node.ts';
import { apiOperations } from '../runtime/quorum-operations/api-operations.ts';
import type { ControllerPorts, ControllerSettings, NodeTransport } from '../runtime/node-options.ts';
import { acquireDirectoryLock, type DirectoryLock } from '../storage/directory-lock.ts';
import { NodeFiles } from '../storage/files.ts';
import { LevelStores } from '../storage/level-stores.ts';
import { defaultTransportLimits } from '../transport/limits.ts';
import { isLoopbackHost } from '../transport/loopback.ts';
import { createTcpTransport } from '../transport/tcp-transport.ts';
import { nodeClock } from './node-clock.ts';
import { createLogger } from './pino-logger.ts';
import { resolveSettings } from './settings.ts';
import { readTls } from './tls-files.ts';
import { readVersion } from './version.ts';

type Started = Result<RunningServer, ServerStartError>;

/** Starts one controller process: the lock, the node, then HTTP. What was started is undone when a later part fails. */
export async function startServer(config: ServerConfig): Promise<Started> {
  const settings = resolveSettings(config.settings ?? {});
  if (!settings.ok) return failed({ code: 'CONFIG_INVALID', message: settings.error });
  const insecure = insecureListener(config);
  if (insecure !== null) return failed({ code: 'INSECURE_LISTENER', message: insecure });
  const tls = await readTls(config.tls);
  if (!tls.ok) return tls;
  const locked = await acquireDirectoryLock(config.dataDir);
  if (!locked.ok) return failed(lockError(locked.error));
  const server = new Server(config, settings.value, locked.value);
  const started = await server.start(tls.value);
  if (!started.ok) await server.abandon();
  return started;
}

class Server implements RunningServer {
  readonly #config: ServerConfig;
  readonly #lock: DirectoryLock;
  readonly #logger: Logger;
  readonly #node: ControllerNode;
  #http: HttpServer | null = null;
  #stopping: Promise<void> | null = null;
  #end: (end: ServerEnd) => void = () => {};
  readonly stopped: Promise<ServerEnd>;

  constructor(config: ServerConfig, settings: ControllerSettings, lock: DirectoryLock) {
    this.#config = config;
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
      settings,
      ports: createPorts(config, this.#logger),
      onFatal: (reason) => void this.#failed(reason),
    });
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
      listen: httpListen,
      tls,
      insecure,
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
    return ok(this);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#shutDown({ reason: 'asked' });
    return this.#stopping;
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
    await new Promise<void>((resolve) => this.#node.stop(resolve));
    await this.#http?.close();
    await this.#lock.release();
    this.#end(end);
  }
}

function createPorts(config: ServerConfig, logger: Logger): ControllerPorts {
  // Two processes of one node must not begin alike.
  const random = seededRandom(randomInt(2 ** 47));
  return {
    files: new NodeFiles(),
    checkpointStores: new LevelStores(join(config.dataDir, 'checkpoints')),
    clock: nodeClock,
    random,
    logger,
    createTransport: (local, events): NodeTransport =>
      createTcpTransport(
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
      ),
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

function insecureListener({ peerListen, httpListen, tls, insecure }: ServerConfig): string | null {
  if (tls !== null || insecure) return null;
  const open = [peerListen, httpListen].find(({ host }) => !isLoopbackHost(host));
  if (open === undefined) return null;
  return `${open.host}:${open.port} can be reached by other machines and has no TLS. Give a certificate and key, listen on 127.0.0.1, or pass --insecure.`;
}

function lockError(error: { readonly code: string; readonly message: string }): ServerStartError {
  return error.code === 'LOCKED'
    ? {
        code: 'DIRECTORY_LOCKED',
        message: `${error.message}. Stop that process, or give another --data-dir.`,
      }
    : { code: 'DIRECTORY_UNUSABLE', message: `${error.message}. Give a --data-dir that can be written to.` };
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
