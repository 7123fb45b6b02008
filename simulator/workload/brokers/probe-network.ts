import { hashIntegers } from '../../../src/base/random.ts';
import type { ProbeEvent, Prober } from '../../../src/ports/prober.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { VirtualWorld } from '../../../src/testing/world/virtual-world.ts';
import { probeListenerName } from '../../../src/metadata/resources/broker/probe-listener.ts';
import { seedSalts } from '../../faults/salts.ts';

/** What a model broker registers its probe port as: each life has one of its own. */
export function probeListenerOf({ name, generation }: SimulatedProcess) {
  return { name: probeListenerName, host: name, port: generation };
}

type Target = {
  readonly process: SimulatedProcess;
  /** False after a power failure: until it is started again its machine says nothing. */
  hasPower: boolean;
};

type Connection = {
  readonly from: SimulatedProcess;
  readonly fromGeneration: number;
  readonly target: Target;
  /** The life whose port it is. */
  readonly generation: number;
  readonly told: (event: ProbeEvent) => void;
  isOpen: boolean;
  isEnded: boolean;
};

const timeoutUs = 300_000;
/** How long what a machine says of a process that has ended is under way. */
const hintUs: readonly number[] = [100, 200, 500, 2_000, 20_000];
/** One connection of so many breaks by itself, some time after it was opened. */
const brokenOfConnections = 4;

/**
 * Idle connections from controllers to model brokers. A process that ends has them closed, and further ones refused,
 * by its machine; a machine without power, and a network that is cut, say nothing; one that stands still keeps them.
 * Now and then a connection breaks although nothing is wrong at either end.
 */
export class ProbeNetwork {
  readonly #world: VirtualWorld;
  readonly #targets = new Map<string, Target>();
  readonly #connections = new Set<Connection>();
  #count = 0;

  constructor(world: VirtualWorld) {
    this.#world = world;
  }

  started(process: SimulatedProcess): void {
    this.#targets.set(process.name, { process, hasPower: true });
  }

  ended(process: SimulatedProcess, hasPower: boolean): void {
    const target = this.#targets.get(process.name);
    if (target === undefined) return;
    target.hasPower = hasPower;
    for (const connection of this.#connections) {
      if (connection.target !== target) continue;
      if (hasPower) this.#break(connection);
      else connection.isOpen = false;
    }
  }

  prober(from: SimulatedProcess): Prober {
    return {
      connect: ({ host, port }, told) => {
        const target = this.#targets.get(host);
        const fromGeneration = from.generation;
        if (target === undefined) {
          from.schedule(timeoutUs, eventKinds.connection, () => told('failed'));
          return { close: () => undefined };
        }
        const connection: Connection = {
          from,
          fromGeneration,
          target,
          generation: port,
          told,
          isOpen: false,
          isEnded: false,
        };
        this.#connections.add(connection);
        this.#dial(connection);
        return { close: () => this.#end(connection) };
      },
    };
  }

  #dial(connection: Connection): void {
    const { from, target } = connection;
    const { network } = this.#world;
    const chance = hashIntegers(this.#world.seed, seedSalts.probes, this.#count++);
    this.#later(connection, timeoutUs, () => {
      if (!connection.isOpen) this.#tell(connection, 'failed');
    });
    const delayUs = hintUs[chance % hintUs.length] ?? 0;
    this.#later(connection, delayUs, () => {
      if (!target.hasPower || !network.isOpen(from, target.process)) return;
      const { isUp, generation } = target.process;
      if (!isUp || generation !== connection.generation) return this.#tell(connection, 'refused');
      connection.isOpen = true;
      connection.told('opened');
      if ((chance >>> 8) % brokenOfConnections !== 0) return;
      this.#later(connection, (chance >>> 12) % 8_000_000, () => this.#break(connection));
    });
  }

  #break(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    const delayUs = hintUs[hashIntegers(this.#world.seed, seedSalts.probes, this.#count++) % hintUs.length];
    this.#later(connection, delayUs ?? 0, () => {
      if (this.#world.network.isOpen(connection.from, connection.target.process))
        this.#tell(connection, 'closed');
    });
  }

  #tell(connection: Connection, event: ProbeEvent): void {
    if (connection.isEnded) return;
    this.#end(connection);
    connection.told(event);
  }

  #end(connection: Connection): void {
    connection.isEnded = true;
    this.#connections.delete(connection);
  }

  #later(connection: Connection, delayUs: number, run: () => void): void {
    connection.from.schedule(delayUs, eventKinds.connection, () => {
      if (!connection.isEnded && connection.from.generation === connection.fromGeneration) run();
    });
  }
}
