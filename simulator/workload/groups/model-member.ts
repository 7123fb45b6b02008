import { hashIntegers, type Random, seededRandom } from '../../../src/base/random.ts';
import { randomUuid } from '../../../src/base/uuid.ts';
import {
  GroupMemberCore,
  type GroupMemberEffect,
  type GroupMemberStep,
} from '../../../src/client/group-member-core.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { Exchanges } from '../operators/exchange.ts';
import { MemberCalls } from './member-calls.ts';

export type ModelMemberOptions = {
  readonly group: string;
  readonly sessionTimeoutMs: number;
  readonly process: SimulatedProcess;
  readonly seed: number;
  readonly exchanges: Exchanges;
  /** It takes itself for the leader from now on. */
  readonly elected: (leaderEpoch: number) => void;
};

const agent = {
  heartbeatIntervalMs: 1000,
  requestTimeoutMs: 1000,
  backoff: { baseMs: 50, maxMs: 500 },
} as const;
const leaveMs = 3000;

/** One life of a process that is a member of a group: the SDK's core, under virtual time. */
export class ModelMember {
  readonly memberId: string;
  readonly group: string;
  readonly #options: ModelMemberOptions;
  readonly #clock: Clock;
  readonly #core: GroupMemberCore;
  readonly #calls: MemberCalls;
  #timer: { cancel(): void } | null = null;
  #ended: (() => void) | null = null;

  constructor(options: ModelMemberOptions) {
    const { process, seed, group, exchanges } = options;
    this.#options = options;
    this.group = group;
    this.#clock = process.clock();
    const random: Random = seededRandom(hashIntegers(seed, process.index, process.generation));
    this.memberId = randomUuid(random);
    this.#core = new GroupMemberCore({ ...agent, memberId: this.memberId }, random.fork());
    this.#calls = new MemberCalls({ group, memberId: this.memberId }, process, exchanges, random);
  }

  get memberEpoch(): number | null {
    return this.#core.memberEpoch;
  }

  /** By its own clock, whatever its event loop has come to do. */
  get remainingMs(): number {
    return this.#core.remainingMs(this.#clock.monotonicMs());
  }

  get leaderEpoch(): number | null {
    return this.#core.leaderEpoch(this.#clock.monotonicMs());
  }

  start(): void {
    this.#take(this.#core.start(this.#clock.monotonicMs()));
  }

  /** Asks it to leave; `ended` is called once it has, one way or the other. */
  leave(ended: () => void): void {
    if (this.#ended !== null) return;
    this.#ended = ended;
    const nowMs = this.#clock.monotonicMs();
    this.#take(this.#core.leaveRequested(nowMs + leaveMs, nowMs));
  }

  #take({ effects, nextWakeAtMs }: GroupMemberStep): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (nextWakeAtMs !== null) {
      const delayMs = Math.max(0, nextWakeAtMs - this.#clock.monotonicMs());
      this.#timer = this.#later(delayMs, () => this.#take(this.#core.wake(this.#clock.monotonicMs())));
    }
    for (const effect of effects) this.#run(effect);
  }

  #run(effect: GroupMemberEffect): void {
    const nowMs = (): number => this.#clock.monotonicMs();
    if (effect.type === 'join') {
      this.#calls.join(this.#options.sessionTimeoutMs, effect.timeoutMs, (result) =>
        this.#take(this.#core.joinCompleted(effect.requestId, result, nowMs())),
      );
    } else if (effect.type === 'heartbeat') {
      this.#calls.heartbeat(effect.memberEpoch, effect.timeoutMs, (result) =>
        this.#take(this.#core.heartbeatCompleted(effect.requestId, result, nowMs())),
      );
    } else if (effect.type === 'leave') {
      this.#calls.leave(effect.memberEpoch, effect.timeoutMs, (result) =>
        this.#take(this.#core.leaveCompleted(effect.requestId, result, nowMs())),
      );
    } else if (effect.type === 'leadershipGranted') {
      this.#options.elected(effect.leaderEpoch);
    } else if (effect.type === 'stopped' && this.#ended !== null) {
      // Not from within its own call.
      this.#later(0, this.#ended);
    }
  }

  #later(delayMs: number, run: () => void): { cancel(): void } {
    return this.#options.process.schedule(Math.ceil(delayMs * 1000), eventKinds.timer, run);
  }
}
