import { createClient, type Client } from '../../client/create-client.ts';
import { endpointsOfLayout, type DevLayout } from './layout.ts';

/** How the cluster stands, as far as its controllers say. */
export type ClusterView = {
  /** The controller that leads and serves; null while none does. */
  readonly leader: { readonly id: number; readonly epoch: number } | null;
  /** Null while nobody could be asked. */
  readonly brokers: readonly BrokerView[] | null;
};

export type BrokerView = {
  readonly id: number;
  readonly epoch: number;
  readonly isFenced: boolean;
  readonly isLeaving: boolean;
  readonly leads: number;
};

export type Watcher = { stop(): Promise<void> };

const pollMs = 150;
const askTimeoutMs = 800;
const once = { attemptsMax: 1 } as const;

/** Asks every controller again and again, and hands each view on. */
export function watchCluster(layout: DevLayout, onView: (view: ClusterView) => void): Watcher {
  const endpoints = endpointsOfLayout(layout);
  const clients = endpoints.map((endpoint) =>
    createClient({ endpoints: [endpoint], timeoutMs: askTimeoutMs, connectionsMax: 2 }),
  );
  const state = { isStopped: false };
  const loop = (async () => {
    while (!state.isStopped) {
      const view = await look(clients);
      if (!state.isStopped) onView(view);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  })();
  return {
    stop: async () => {
      state.isStopped = true;
      await Promise.all(clients.map((client) => client.close()));
      await loop;
    },
  };
}

async function look(clients: readonly Client[]): Promise<ClusterView> {
  const answers = await Promise.all(
    clients.map(async (client) => {
      const quorum = await orNull(client.describeQuorum({}, once));
      return quorum === null ? null : { client, quorum };
    }),
  );
  const active = answers
    .filter((answer) => answer !== null)
    .filter(({ quorum }) => quorum.node.active)
    .sort((left, right) => right.quorum.epoch - left.quorum.epoch)[0];
  if (active === undefined) return { leader: null, brokers: null };
  const { nodeId } = active.quorum.node;
  const page = await orNull(active.client.listBrokers({}, { ...once, consistency: 'stale' }));
  return {
    leader: { id: nodeId, epoch: active.quorum.epoch },
    brokers:
      page?.brokers.map((broker) => ({
        id: broker.brokerId,
        epoch: broker.brokerEpoch,
        isFenced: broker.isFenced,
        isLeaving: broker.inControlledShutdown,
        leads: broker.leaderCount,
      })) ?? null,
  };
}

/** A controller that is down or stopped is what the watcher is there to see, not an error. */
async function orNull<Value>(asked: Promise<Value>): Promise<Value | null> {
  try {
    return await asked;
  } catch {
    return null;
  }
}
