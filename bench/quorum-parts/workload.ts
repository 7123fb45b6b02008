import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { uuid } from '../../src/base/brands.ts';
import { uuidFromBytes } from '../../src/base/uuid.ts';
import type { Client } from '../../src/client/create-client.ts';
import type { Controller } from '../processes/controller.ts';
import { field } from '../processes/http.ts';

/** One write, as a request of plain HTTP and as a call of the SDK's. */
export type WriteRequest = {
  readonly path: string;
  readonly body: object;
  readonly send: (client: Client) => Promise<unknown>;
};

/**
 * What is written. `createTopic` is the main job: a topic, its partition, and replicas that are placed.
 * `amendBroker` is the nearest that metadata has to a key-value store's put: one row of its own for each lane
 * is replaced, by a record of about 256 bytes.
 */
export const operationTexts = {
  createTopic: 'createTopic, 1 partition',
  amendBroker: 'registerBroker, amended, 256 B',
} as const;

export type OperationName = keyof typeof operationTexts;

export const operationNames: readonly OperationName[] = ['createTopic', 'amendBroker'];

/** Ids of the brokers that `amendBroker` writes, one for each lane; nobody is behind them. */
const firstBrokerId = 100_000;
const hostLength = 180;

export class Workload {
  readonly #clusterId: string;
  #written = 0;

  private constructor(clusterId: string) {
    this.#clusterId = clusterId;
  }

  static async prepare(controller: Controller): Promise<Workload> {
    const { body } = await controller.ask('GET', '/v1/cluster');
    return new Workload(uuid(String(field(body, 'clusterId'))));
  }

  next(operation: OperationName, lane: number): WriteRequest {
    this.#written += 1;
    return operation === 'createTopic' ? this.#creation() : this.#amendment(lane);
  }

  #creation(): WriteRequest {
    const body = { name: `bench-${this.#written}`, partitions: 1, replicationFactor: 1 };
    return { path: '/v1/topics', body, send: (client) => client.createTopic(body) };
  }

  #amendment(lane: number): WriteRequest {
    const brokerId = firstBrokerId + lane;
    const host = `h${this.#written}`.padEnd(hostLength, '.example');
    const body = {
      brokerId,
      clusterId: this.#clusterId,
      incarnationId: incarnationOf(lane),
      listeners: [{ name: 'PLAINTEXT', host, port: 9092 }],
      features: [...supportedFeatures],
    };
    return { path: '/v1/brokers', body, send: (client) => client.registerBroker(body) };
  }
}

function incarnationOf(lane: number): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, lane + 1);
  return uuidFromBytes(bytes);
}
