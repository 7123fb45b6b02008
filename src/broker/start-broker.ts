import { randomInt } from 'node:crypto';
import { type Random, seededRandom } from '../base/random.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { randomUuid } from '../base/uuid.ts';
import type { BrokerEnd, BrokerEvent } from '../client/broker-api.ts';
import { createClient } from '../client/create-client.ts';
import type { ClientTls, TokenSource } from '../client/exchange.ts';
import { nodeClock } from '../client/node-clock.ts';
import { wait } from '../client/wait.ts';
import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import { type Logger, silentLogger } from '../ports/logger.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import { acquireDirectoryLock, type DirectoryLock } from '../storage/directory-lock.ts';
import { NodeFiles } from '../storage/files.ts';
import { isLoopbackHost } from '../transport/loopback.ts';
import { readPlace } from './process-place.ts';
import {
  beginFolder,
  type BrokerIdentity,
  isFolderOf,
  makePartitionsFolder,
  readIdentity,
  writeIdentity,
} from './broker-directory.ts';
import { BrokerNode } from './broker-node.ts';
import { type BrokerHttpServer, startBrokerHttpServer } from './http-server.ts';
import { type BrokerSettings, resolveBrokerSettings } from './settings.ts';

export type BrokerConfig = {
  readonly id: number;
  /** Origins of controllers, `http://127.0.0.1:9644`. */
  readonly controllers: readonly string[];
  /** What it stores stands there; made when it is not there. */
  readonly directory: string;
  /** Where clients and other brokers reach it; port 0 takes a free one. */
  readonly listen: Endpoint;
  /** What it registers as its address, where that is another one than it listens on. */
  readonly advertised?: Endpoint | null;
  readonly rack?: string | null;
  /** Allows an address that other machines can reach: there is neither TLS nor authentication there. */
  readonly insecure?: boolean;
  /** Towards the controllers. */
  readonly tls?: ClientTls;
  readonly token?: TokenSource;
  readonly settings?: Readonly<Record<string, number>>;
  readonly logger?: Logger;
  readonly onEvent?: (event: BrokerEvent) => void;
  /** Another file system than the machine's, for tests of a disk that fails. */
  readonly files?: Files;
};

export type BrokerStartError = {
  readonly code:
    | 'CONFIG_INVALID'
    | 'INSECURE_LISTENER'
    | 'DIRECTORY_LOCKED'
    | 'DIRECTORY_UNUSABLE'
    | 'INCONSISTENT_BROKER_ID'
    | 'ADDRESS_IN_USE'
    | 'ADDRESS_UNAVAILABLE';
  readonly message: string;
};

export type RunningBrokerEnd =
  | { readonly reason: 'asked'; readonly isControlled: boolean }
  | { readonly reason: 'failed'; readonly message: string };

export type RunningBroker = {
  readonly id: number;
  /** `http://127.0.0.1:9092`, with the port that was really taken. */
  readonly url: string;
  readonly directory: string;
  /** Resolves when it has ended, by `stop` or by itself. */
  readonly stopped: Promise<RunningBrokerEnd>;
  /**
   * Gives its leaderships away, for at most `timeoutMs` (`controlledShutdownMaxMs` when absent), flushes and closes.
   * May be called more than once; the first call counts.
   */
  stop(options?: { readonly timeoutMs?: number }): Promise<RunningBrokerEnd>;
};

/** Starts a reference broker: the lock, its identity, the listener, then the agent. Undone where a part fails. */
export async function startBroker(config: BrokerConfig): Promise<Result<RunningBroker, BrokerStartError>> {
  const settings = resolveBrokerSettings(config.settings ?? {});
  if (!settings.ok) return failed({ code: 'CONFIG_INVALID', message: settings.error });
  const { listen, directory } = config;
  if (config.insecure !== true && !isLoopbackHost(listen.host)) {
    const message = `${listen.host}:${listen.port} can be reached by other machines, and a broker asks nobody who they are. Listen on 127.0.0.1, or pass --insecure.`;
    return failed({ code: 'INSECURE_LISTENER', message });
  }
  const locked = await acquireDirectoryLock(directory);
  if (!locked.ok) {
    const isLocked = locked.error.code === 'LOCKED';
    const code = isLocked ? 'DIRECTORY_LOCKED' : 'DIRECTORY_UNUSABLE';
    return failed({ code, message: `${locked.error.message}.` });
  }
  const broker = new ReferenceBroker(config, settings.value, locked.value);
  const started = await broker.start();
  if (started.ok) return ok(broker);
  await broker.abandon();
  return started;
}

class ReferenceBroker implements RunningBroker {
  readonly id: number;
  readonly directory: string;
  readonly stopped: Promise<RunningBrokerEnd>;
  readonly #config: BrokerConfig;
  readonly #settings: BrokerSettings;
  readonly #lock: DirectoryLock;
  readonly #logger: Logger;
  readonly #files: Files;
  readonly #clock: Clock = nodeClock;
  readonly #random: Random = seededRandom(randomInt(2 ** 47));
  readonly #stopping = new AbortController();
  #http: BrokerHttpServer | null = null;
  #joining: Promise<void> = Promise.resolve();
  #noting: Promise<void> = Promise.resolve();
  #node: BrokerNode | null = null;
  #ending: Promise<RunningBrokerEnd> | null = null;
  #end: (end: RunningBrokerEnd) => void = () => {};

  constructor(config: BrokerConfig, settings: BrokerSettings, lock: DirectoryLock) {
    this.id = config.id;
    this.directory = config.directory;
    this.#config = config;
    this.#settings = settings;
    this.#lock = lock;
    this.#files = config.files ?? new NodeFiles();
    this.#logger = config.logger ?? silentLogger;
    this.stopped = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get url(): string {
    const { host, port } = this.#http?.endpoint ?? this.#config.listen;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  async start(): Promise<Result<null, BrokerStartError>> {
    const { directory, listen, id } = this.#config;
    const folder = makePartitionsFolder(directory);
    if (!folder.ok) return failed({ code: 'DIRECTORY_UNUSABLE', message: `${folder.error}.` });
    const identity = await readIdentity(directory);
    if (!identity.ok) return failed({ code: 'DIRECTORY_UNUSABLE', message: `${identity.error}.` });
    const owner = identity.value?.brokerId ?? id;
    if (owner !== id) {
      const message = `${directory} belongs to broker ${owner}, and this is broker ${id}. Give it its own directory.`;
      return failed({ code: 'INCONSISTENT_BROKER_ID', message });
    }
    const http = await startBrokerHttpServer(() => this.#node, {
      listen,
      logger: this.#logger,
      limits: this.#settings,
    });
    if (!http.ok) return http;
    this.#http = http.value;
    // The controllers may be down: it is up and waits for them.
    this.#joining = this.#join(folder.value, identity.value);
    return ok(null);
  }

  stop(options: { readonly timeoutMs?: number } = {}): Promise<RunningBrokerEnd> {
    const { timeoutMs = this.#settings.controlledShutdownMaxMs } = options;
    this.#ending ??= this.#shutDown(timeoutMs, null);
    return this.#ending;
  }

  /** Undoes a start that did not succeed. */
  async abandon(): Promise<void> {
    this.#ending ??= this.#shutDown(0, null);
    await this.#ending;
  }

  /** Whose data it stores is on disk before any of it is. */
  async #join(folder: string, known: BrokerIdentity | null): Promise<void> {
    const clusterId = known?.clusterId ?? (await this.#findCluster());
    if (clusterId === null || this.#ending !== null) return;
    let identity = known;
    if (identity === null || !isFolderOf(identity, folder)) {
      if (identity !== null) this.#logger.warn('partitions-are-not-those-that-were-here', { folder });
      const directoryId = randomUuid(this.#random);
      const lastProcess = known?.lastProcess ?? null;
      const anew = { clusterId, brokerId: this.id, brokerEpoch: null, directoryId, lastProcess };
      const begun = await beginFolder(this.#files, this.directory, folder, anew);
      if (!begun.ok) return this.#fail(`${begun.error.path}: ${begun.error.message}`);
      if (this.#ending !== null) return;
      identity = anew;
    }
    const place = await readPlace(this.directory);
    if (this.#ending !== null) return;
    const node = this.#createNode(folder, identity, place);
    this.#node = node;
    const started = await node.start();
    if (!started.ok) return this.#fail(`${started.error.path}: ${started.error.message}`);
    void node.agent?.stopped.then((end) => this.#agentStopped(end));
  }

  /** Null when it is asked to stop before it has met one. */
  async #findCluster(): Promise<string | null> {
    const { controllers, tls, token } = this.#config;
    const client = createClient({
      endpoints: controllers,
      ...(tls === undefined ? {} : { tls }),
      ...(token === undefined ? {} : { token }),
    });
    try {
      while (!this.#stopping.signal.aborted) {
        const outcome = await client
          .outcome('getCluster', {}, { signal: this.#stopping.signal })
          .catch(() => null);
        const clusterId = outcome?.type === 'answered' ? outcome.response.clusterId : null;
        if (clusterId !== null) return clusterId;
        this.#logger.warn('no-cluster-found', { controllers: controllers.join(' ') });
        await wait(this.#clock, this.#settings.retryBackoffMs, this.#stopping.signal);
      }
      return null;
    } finally {
      await client.close();
    }
  }

  /**
   * In the same directory, on the same boot of the same machine, its lock tells that the process before has ended: this
   * one need not wait for that one's session. The lock of a directory that was copied or moved tells nothing.
   */
  #createNode(partitionsDirectory: string, identity: BrokerIdentity, place: string | null): BrokerNode {
    const { clusterId, directoryId, brokerEpoch, lastProcess } = identity;
    const previous = lastProcess !== null && lastProcess.place === place ? lastProcess.incarnationId : null;
    const { tls, token, rack, advertised, controllers, id, onEvent } = this.#config;
    const { host, port } = advertised ?? this.#http?.endpoint ?? this.#config.listen;
    return new BrokerNode({
      agent: {
        controllers,
        id,
        clusterId,
        logDirs: [directoryId],
        ...(previous === null ? {} : { previousIncarnationId: previous }),
        listeners: [{ name: 'HTTP', host, port }],
        ...(rack === undefined || rack === null ? {} : { rack }),
        ...(tls === undefined ? {} : { tls }),
        ...(token === undefined ? {} : { token }),
      },
      previousBrokerEpoch: brokerEpoch,
      partitionsDirectory,
      settings: this.#settings,
      files: this.#files,
      clock: this.#clock,
      random: this.#random,
      logger: this.#logger,
      onEvent: (event) => {
        if (event.type === 'registered') this.#noteRegistration(identity, event.brokerEpoch, place);
        onEvent?.(event);
      },
      onFatal: (message) => this.#fail(message),
    });
  }

  /** The next start vouches by it for what this one holds; until it is on disk, by none, which costs its ISRs alone. */
  #noteRegistration(known: BrokerIdentity, brokerEpoch: number, place: string | null): void {
    this.#noting = this.#noting.then(async () => {
      const incarnationId = this.#node?.agent?.incarnationId ?? null;
      const lastProcess = incarnationId === null || place === null ? null : { incarnationId, place };
      const identity = { ...known, brokerEpoch, lastProcess };
      const written = await writeIdentity(this.#files, this.directory, identity);
      if (written.ok) this.#node?.partitions.forgetDamage();
      else this.#fail(`${written.error.path}: ${written.error.message}`);
    });
  }

  /** A refusal for good, or metadata that it does not understand. */
  #agentStopped({ failure }: BrokerEnd): void {
    if (failure !== null) this.#fail(`${failure.code}: ${failure.message}`);
    else this.#ending ??= this.#shutDown(0, null);
  }

  #fail(message: string): void {
    this.#logger.error('broker-failed', { message });
    this.#ending ??= this.#shutDown(0, message);
  }

  async #shutDown(timeoutMs: number, failure: string | null): Promise<RunningBrokerEnd> {
    this.#stopping.abort();
    const node = this.#node;
    await node?.stop(timeoutMs);
    await this.#joining;
    await this.#noting;
    await this.#http?.close();
    await this.#lock.release();
    const isControlled = (await node?.agent?.stopped)?.isControlled ?? true;
    const end: RunningBrokerEnd =
      failure === null ? { reason: 'asked', isControlled } : { reason: 'failed', message: failure };
    this.#end(end);
    return end;
  }
}
