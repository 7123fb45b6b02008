import type { Epoch } from '../base/brands.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { Random } from '../base/random.ts';
import type { MetadataImage } from '../metadata/image.ts';
import {
  type ControllerRegistration,
  isRegisteredAs,
} from '../metadata/resources/controller/registration.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { ControllerAnswer } from './controller-api.ts';
import { runtimeLimits } from './limits.ts';

export type RegistrarOptions = {
  /** What this controller says of itself; it changes with its process. */
  readonly registration: ControllerRegistration;
  readonly clock: Clock;
  readonly random: Random;
  readonly image: () => MetadataImage;
  /** The epoch whose leader this node knows, be it itself; null while it knows none. */
  readonly ledEpoch: () => Epoch | null;
  /** Asks the leader; answers once, perhaps from within the call. */
  readonly register: (
    registration: ControllerRegistration,
    complete: (answer: ControllerAnswer) => void,
  ) => void;
  /** It is asked again all the same: the cluster may change its mind, and an operator should know why. */
  readonly onRefused: (code: string, message: string) => void;
};

/**
 * Sees to it that the state says of this controller what it says of itself (KIP-919; Kafka:
 * ControllerRegistrationManager).
 *
 * 1. It asks once the node has applied a record of the leader's own epoch: then the node has caught up so far that the
 *    state tells whether there is anything to ask for. One that starts again as it was asks for nothing.
 * 2. It asks for one thing at a time, and after an answer no earlier than when the state has reached it: what it looks
 *    at then shows what became of it. So a lost answer needs no key.
 * 3. Between two attempts it waits, ever longer after failures, and a while after a success, too: where two processes
 *    were given the same id, they do not write over each other without a pause.
 */
export class ControllerRegistrar {
  readonly #options: RegistrarOptions;
  #isAsking = false;
  #isClosed = false;
  #failures = 0;
  #answeredOffset = 0;
  #pause: Timer | null = null;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  /** The state has moved on, or another leads. */
  look(): void {
    if (this.#isAsking || this.#isClosed || this.#pause !== null) return;
    const { image, ledEpoch, registration, register } = this.#options;
    const state = image();
    if (state.endOffset < this.#answeredOffset || state.epoch !== ledEpoch()) return;
    if (isRegisteredAs(state, registration)) {
      this.#failures = 0;
      return;
    }
    this.#isAsking = true;
    register(registration, (answer) => this.#answered(answer));
  }

  close(): void {
    this.#isClosed = true;
    this.#pause?.cancel();
  }

  #answered({ result, offset }: ControllerAnswer): void {
    this.#isAsking = false;
    if (this.#isClosed) return;
    if (result.ok) {
      this.#answeredOffset = offset;
      this.#waitFor(runtimeLimits.registrationPauseMs);
      return;
    }
    this.#failures += 1;
    if (result.code === 'UNSUPPORTED_VERSION' || result.code === 'INVALID_REQUEST') {
      this.#options.onRefused(result.code, result.message);
    } else {
      coverageMark('registration: asked again');
    }
    const doubledMs = runtimeLimits.registrationRetryMs * 2 ** Math.min(this.#failures - 1, doublingsMax);
    const longestMs = Math.min(doubledMs, runtimeLimits.registrationPauseMs);
    // Half of it by chance: controllers that lost their leader together do not come back together.
    this.#waitFor(longestMs - this.#options.random.integer(Math.ceil(longestMs / 2)));
  }

  #waitFor(delayMs: number): void {
    this.#pause = this.#options.clock.setTimer(delayMs, () => {
      this.#pause = null;
      this.look();
    });
  }
}

const doublingsMax = 16;
