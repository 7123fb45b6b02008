import { supportedFeatures } from '../../../src/metadata/resources/feature/supported.ts';
import { assert, assertDefined } from '../../../src/base/assert.ts';
import type { ControllerAnswer } from '../../../src/runtime/controller-api.ts';
import type { HostedNode } from '../../../src/testing/hosted-node.ts';
import type { TestQuorum } from './quorum.ts';

/** A success's response, as loosely typed fields: what went over the API. */
export function responseOf(answer: ControllerAnswer): Record<string, unknown> {
  const { result } = answer;
  assert(result.ok, `expected a success: ${JSON.stringify(result)}`);
  const { response } = result;
  assert(typeof response === 'object' && response !== null, 'a response is an object');
  return { ...response };
}

export function incarnation(number: number): string {
  return `${String(number).padStart(21, 'A')}A`;
}

export function registration(quorum: TestQuorum, brokerId: number, incarnationNumber = 1): unknown {
  return {
    brokerId,
    clusterId: quorum.leader().status().clusterId,
    incarnationId: incarnation(incarnationNumber),
    listeners: [{ name: 'PLAINTEXT', host: `broker${brokerId}`, port: 9092 }],
    features: supportedFeatures,
  };
}

/** A registered broker, fenced as it begins. */
export class TestBroker {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly #quorum: TestQuorum;

  constructor(quorum: TestQuorum, brokerId: number) {
    this.#quorum = quorum;
    this.brokerId = brokerId;
    const answer = quorum.call(quorum.leader(), 'registerBroker', { body: registration(quorum, brokerId) });
    this.brokerEpoch = Number(responseOf(answer)['brokerEpoch']);
  }

  heartbeat(node: HostedNode = this.#quorum.leader()): ControllerAnswer {
    return this.#quorum.call(node, 'heartbeatBroker', this.request());
  }

  request(): { readonly params: unknown; readonly body: unknown } {
    const body = { brokerEpoch: this.brokerEpoch, metadataOffset: this.brokerEpoch + 1 };
    return { params: { brokerId: this.brokerId }, body };
  }

  isFenced(node: HostedNode = this.#quorum.leader()): boolean {
    const row = node.running.image()?.broker.brokers.get(this.brokerId);
    return assertDefined(row, `broker ${this.brokerId} is registered`).fenced;
  }
}
