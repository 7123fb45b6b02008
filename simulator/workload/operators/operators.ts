import type { SimulatedCluster } from '../../cluster.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { World } from '../../world.ts';
import type { Ledger } from '../ledger.ts';
import { CallLedger } from './call-ledger.ts';
import type { Exchanges } from './exchange.ts';
import type { PlannedCall } from './planned-call.ts';
import { SdkClient } from './sdk-client.ts';

export type OperatorsOptions = {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly exchanges: Exchanges;
  readonly ledger: Ledger;
};

/** The operators and programs that change and read whatever the controller knows. */
export class Operators {
  readonly calls = new CallLedger();
  readonly #options: OperatorsOptions;
  readonly #clients = new Map<number, SdkClient>();

  constructor(options: OperatorsOptions) {
    this.#options = options;
  }

  plan(calls: readonly PlannedCall[]): void {
    const { world } = this.#options;
    for (const planned of calls) {
      const client = this.#client(planned.client);
      world.schedule(planned.atUs - world.nowUs, eventKinds.client, () => client.begin(planned));
    }
  }

  #client(index: number): SdkClient {
    const known = this.#clients.get(index);
    if (known !== undefined) return known;
    const { world, cluster, exchanges, ledger } = this.#options;
    const process = world.addProcess(`client${index + 1}`, { driftPpm: 0, wallOffsetMs: 0 });
    process.begin();
    const client = new SdkClient({
      index,
      process,
      seed: world.seed,
      exchanges,
      calls: this.calls,
      ledger,
      clusterId: () => cluster.leader()?.view?.clusterId ?? null,
    });
    this.#clients.set(index, client);
    return client;
  }
}
