import { hashIntegers, seededRandom } from '../../../src/base/random.ts';
import { randomUuid } from '../../../src/base/uuid.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { World } from '../../world.ts';
import { newerFeatures } from '../../releases.ts';
import type { Exchanges } from '../operators/exchange.ts';

const retryUs = 150_000;
const timeoutMs = 1000;

/**
 * A second process under a broker's id, as a supervisor starts one when it takes the first for dead: it
 * registers as soon as the controllers let it, and is silent from then on. The first one finds out when it is
 * heard again.
 */
export class Usurper {
  readonly #world: World;
  readonly #exchanges: Exchanges;
  readonly #clusterId: () => string | null;
  readonly #process: SimulatedProcess;
  readonly #ended: string;
  #attempts = 0;
  #isOver = false;

  constructor(world: World, exchanges: Exchanges, clusterId: () => string | null) {
    this.#world = world;
    this.#exchanges = exchanges;
    this.#clusterId = clusterId;
    this.#process = world.addProcess('usurper', { driftPpm: 0, wallOffsetMs: 0 });
    this.#process.begin();
    this.#ended = randomUuid(seededRandom(hashIntegers(world.seed, this.#process.index)));
  }

  /** Tries for a while to take the place of a broker. */
  begin(brokerId: number, forUs: number): void {
    const random = seededRandom(hashIntegers(this.#world.seed, brokerId, this.#world.nowUs));
    this.#try(brokerId, randomUuid(random), this.#world.nowUs + forUs);
  }

  end(): void {
    this.#isOver = true;
  }

  #try(brokerId: number, incarnationId: string, untilUs: number): void {
    const clusterId = this.#clusterId();
    if (this.#isOver || this.#world.nowUs >= untilUs) return;
    const again = (): void => {
      this.#process.schedule(retryUs, eventKinds.client, () => this.#try(brokerId, incarnationId, untilUs));
    };
    if (clusterId === null) {
      again();
      return;
    }
    const listeners = [{ name: 'PLAINTEXT', host: `usurper-${brokerId}`, port: 9092 }];
    const named = { brokerId, clusterId, incarnationId, listeners, features: newerFeatures };
    // It knows of some process that has ended, which is not the one that lives.
    const body = { ...named, previousIncarnationId: this.#ended };
    const request = {
      requestId: ++this.#attempts,
      operationId: 'registerBroker',
      input: { params: {}, query: {}, body },
      principal: `broker-${brokerId}`,
      idempotencyKey: null,
      consistency: 'linearizable',
      minOffset: null,
      ifMatch: null,
      timeoutMs,
    } as const;
    this.#exchanges.send(this.#process, this.#attempts, request, (outcome) => {
      if (outcome.type !== 'answer' || !outcome.answer.result.ok) again();
    });
  }
}
