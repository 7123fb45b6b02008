import type { Broker } from '../../../src/client/index.ts';
import type { HasFault } from './data-faults.ts';
import type { Heard, HeartbeatAnswer } from './faulty-client.ts';

const leaseShare = 0.94;

/** What the data plane of a test's broker goes by: the lease of docs/BROKERS.md, or what a fault makes of it. */
export class Lease implements Heard {
  broker: Broker | null = null;
  readonly #has: HasFault;
  #untilMs = 0;
  #sessionTimeoutMs: number | null = null;
  #isGivenUp = false;

  constructor(has: HasFault) {
    this.#has = has;
  }

  get isHeld(): boolean {
    if (this.#isGivenUp) return false;
    if (this.#has('leads on when its lease is over') && this.#untilMs > 0) return true;
    return performance.now() < this.#untilMs;
  }

  acknowledged = ({ isFenced, sessionTimeoutMs }: HeartbeatAnswer, sentAtMs: number): void => {
    this.#sessionTimeoutMs ??= sessionTimeoutMs;
    if (isFenced && !this.#has('serves while it is fenced')) {
      this.#untilMs = 0;
      return;
    }
    const fromMs = this.#has('counts its lease from the answer') ? performance.now() : sentAtMs;
    const lastsMs = this.#has('goes by the first session timeout')
      ? this.#sessionTimeoutMs
      : sessionTimeoutMs;
    this.#untilMs = fromMs + lastsMs * leaseShare;
  };

  lost = (): void => {
    if (!this.#has('leads until it has registered again')) this.#untilMs = 0;
  };

  giveUp(): void {
    this.#isGivenUp = true;
  }
}
