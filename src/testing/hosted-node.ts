import { assertDefined } from '../base/assert.ts';
import type { NodeId } from '../base/brands.ts';
import { hashIntegers, seededRandom } from '../base/random.ts';
import type { Result } from '../base/result.ts';
import type { ForwardMessage, Transport, TransportEvents } from '../ports/transport.ts';
import type { Endpoint, ReplicaKey } from '../raft/replica-key.ts';
import { type ControllerNode, createControllerNode, type StartError } from '../runtime/controller-node.ts';
import type {
  ControllerPorts,
  ControllerSettings,
  NodeTransport,
  SupportedVersions,
} from '../runtime/node-options.ts';
import { SimulatedStores } from './world/checkpoint-store.ts';
import { SimulatedDisk } from './world/files.ts';
import type { ClusterAddresses } from './world/network.ts';
import type { SimulatedProcess } from './world/process.ts';
import type { VirtualWorld } from './world/virtual-world.ts';
import type { Policies } from '../metadata/policy.ts';
import type { Registry } from '../metadata/registry.ts';

export type HostedNodeOptions = {
  readonly id: NodeId;
  readonly world: VirtualWorld;
  readonly process: SimulatedProcess;
  /** The processes of all controllers of its cluster, its own among them. */
  readonly addresses: ClusterAddresses;
  readonly seed: number;
};

export type NodeStart = {
  readonly configuredVoters: readonly NodeId[];
  readonly settings: ControllerSettings;
  /** Where it says that peers reach it. */
  readonly advertised?: Endpoint;
  readonly supported?: SupportedVersions;
  readonly registry?: Registry;
  readonly policies?: Policies;
};

/** A connection to nobody is refused after so long. */
const refusalUs = 1_000;

/** Where the peers of a hosted node reach it: names only, since the world's network goes by processes. */
export function peerEndpoint(id: NodeId): Endpoint {
  return { host: `node${id}`, port: 9645 };
}

/**
 * One controller, production code as it is, over all its lives in a world of virtual time: its disk and its stores
 * outlast its processes.
 */
export class HostedNode {
  readonly id: NodeId;
  readonly process: SimulatedProcess;
  readonly disk: SimulatedDisk;
  readonly stores: SimulatedStores;
  node: ControllerNode | null = null;
  started: Result<null, StartError> | null = null;
  /** Why it has stopped by itself. */
  fatal: string | null = null;
  readonly logged: string[] = [];
  /** Messages that arrive are handed to this first; false throws one away. */
  admit: (from: NodeId, message: Parameters<TransportEvents['onMessage']>[1]) => boolean = () => true;
  readonly #options: HostedNodeOptions;

  constructor(options: HostedNodeOptions) {
    this.id = options.id;
    this.process = options.process;
    this.#options = options;
    const seed = hashIntegers(options.seed, options.id);
    this.disk = new SimulatedDisk({ seed, directories: ['/data'] });
    this.stores = new SimulatedStores(seed);
  }

  get running(): ControllerNode {
    return assertDefined(this.node ?? undefined, `node ${this.id} is down`);
  }

  status(): ReturnType<ControllerNode['status']> {
    return this.running.status();
  }

  start(given: NodeStart): void {
    const { configuredVoters, settings, supported, registry, policies } = given;
    const { advertised = peerEndpoint(this.id) } = given;
    this.process.begin();
    this.fatal = null;
    this.started = null;
    this.node = createControllerNode({
      nodeId: this.id,
      directory: '/data',
      configuredVoters: configuredVoters.map((id) => ({ id, endpoint: peerEndpoint(id) })),
      advertised,
      settings,
      ports: this.#ports(),
      ...(supported === undefined ? {} : { supported }),
      ...(registry === undefined ? {} : { registry }),
      ...(policies === undefined ? {} : { policies }),
      onFatal: (reason) => {
        this.fatal = reason;
      },
    });
    this.node.start((started) => {
      this.started = started;
    });
  }

  /** Ends its process at once; with `power`, what was not flushed may be lost. */
  kill(power = false): void {
    this.process.end();
    this.#options.world.network.detach(this.process, !power);
    this.node = null;
    if (power) {
      this.disk.losePower();
      this.stores.losePower();
    } else {
      this.disk.killProcess();
      this.stores.killProcess();
    }
  }

  #ports(): ControllerPorts {
    const { process, disk, stores } = this;
    const log = (event: string, fields: unknown): void =>
      void this.logged.push(`${event} ${JSON.stringify(fields ?? {})}`);
    return {
      files: disk.attach((delayUs, run) => void process.schedule(delayUs, 0, run)),
      checkpointStores: stores.attach((delayUs, run) => void process.schedule(delayUs, 0, run)),
      clock: process.clock(),
      random: seededRandom(hashIntegers(this.#options.seed, process.index, process.generation)),
      logger: { info: log, warn: log, error: log },
      createTransport: (local, events) => this.#transport(local, events),
    };
  }

  #transport(local: ReplicaKey, events: TransportEvents): NodeTransport {
    const { process } = this;
    const { world, addresses } = this.#options;
    const key = { id: local.id, directoryId: local.directoryId };
    const filtered: TransportEvents = {
      ...events,
      onMessage: (from, message) => {
        if (this.admit(from.id, message)) events.onMessage(from, message);
      },
      onConnectionOpened: (peer) => events.onConnectionOpened(peer),
      onConnectionClosed: (peer, refused) => events.onConnectionClosed(peer, refused),
    };
    let transport: Transport | null = null;
    return {
      start: (complete) => {
        transport = world.network.attach(process, addresses, key, filtered);
        process.schedule(0, 0, () => complete({ ok: true, value: peerEndpoint(this.id) }));
      },
      setClusterId: () => undefined,
      setEndpoints: () => undefined,
      send: (to, message) => {
        const target = addresses.get(to);
        // Nobody runs there, so the real transport's queue is given up with nothing of it sent.
        if (target?.isUp === false && message.channel === 'forward') {
          this.#dropLater(events, to, message.message);
        } else transport?.send(to, message);
      },
      close: (complete) => {
        if (transport === null) process.schedule(0, 0, complete);
        else transport.close(complete);
      },
    };
  }

  #dropLater(events: TransportEvents, to: NodeId, message: ForwardMessage): void {
    this.process.schedule(refusalUs, 0, () => events.onForwardDropped?.(to, message));
  }
}
