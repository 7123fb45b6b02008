import { randomBytes, randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { assertNever } from '../base/assert.ts';
import { seededRandom } from '../base/random.ts';
import { uuidFromBytes, zeroUuid } from '../base/uuid.ts';
import { streamEvents } from './event-stream.ts';
import type { ClientTls, TokenSource } from './exchange.ts';
import {
  GroupMemberCore,
  type GroupLeader,
  type GroupMemberEffect,
  type GroupMemberRefusal,
  type GroupMemberStateName,
  type GroupMemberStep,
} from './group-member-core.ts';
import { createGroupRequests, type GroupRequests } from './group-requests.ts';

export type GroupMemberOptions = {
  /** Origins of controllers, `http://127.0.0.1:9644`. */
  readonly controllers: readonly string[];
  /** Begins with a letter, a digit or _, and goes on with these or `. : @ -`; the first who joins makes it. */
  readonly group: string;
  /** What the member says of itself to the others, such as an address; at most 1,024 characters. */
  readonly metadata?: string;
  /** Another is elected when this member was not heard for so long: 500 to 300,000 ms, 10,000 when absent. */
  readonly sessionTimeoutMs?: number;
  /** Two seconds when absent, and never more than a quarter of the session timeout. */
  readonly heartbeatIntervalMs?: number;
  readonly tls?: ClientTls;
  /** A token of the role operator or broker, or what gives it anew for each request. */
  readonly token?: TokenSource;
};

/** What happens to a member; `reason` is a sentence for people. */
export type GroupMemberEvent =
  /** It is a member until `lease` aborts. */
  | { readonly type: 'joined'; readonly memberEpoch: number; readonly lease: AbortSignal }
  | { readonly type: 'lost'; readonly memberEpoch: number; readonly reason: string }
  | ({ readonly type: 'elected' } & Leadership)
  | { readonly type: 'deposed'; readonly leaderEpoch: number; readonly reason: string }
  /** Another than was known leads the group. */
  | ({ readonly type: 'leaderChanged' } & GroupLeader)
  | {
      readonly type: 'retrying';
      readonly reason: string;
      readonly code: string | null;
      readonly afterMs: number;
    }
  | { readonly type: 'stopped'; readonly end: GroupMemberEnd };

export type Leadership = {
  /** The fencing token: whatever the leader changes should refuse a lower one than it has seen. */
  readonly leaderEpoch: number;
  /** It may lead until this aborts. */
  readonly leadership: AbortSignal;
};

export type GroupMemberEnd = {
  /** The group knows that it has left; otherwise its session runs out. */
  readonly hasLeft: boolean;
  /** The error that made it stop, when it was not asked to. */
  readonly failure: { readonly code: string; readonly message: string } | null;
};

export type GroupMember = AsyncIterable<GroupMemberEvent> &
  AsyncDisposable & {
    readonly group: string;
    /** New for each member that is created. */
    readonly memberId: string;
    readonly state: GroupMemberStateName;
    readonly memberEpoch: number | null;
    /** Who leads, as this member heard last. */
    readonly leader: GroupLeader | null;
    /** The fencing token while this member may take itself for the leader, otherwise null. */
    readonly leaderEpoch: number | null;
    /**
     * Not aborted while this member may take itself for the leader, by its own clock and without asking anyone;
     * an aborted signal at all other times. A new signal for each leadership.
     */
    readonly leadership: AbortSignal;
    /** The same of membership: leadership ends no later. */
    readonly lease: AbortSignal;
    /** How much of the lease is left; 0 without one. A heartbeat extends it. */
    readonly remainingMs: number;
    /** Called with every event from now on; returns the function that ends it. */
    subscribe(listener: (event: GroupMemberEvent) => void): () => void;
    /** Resolves when this member leads; rejects when it stops first. */
    whenLeader(): Promise<Leadership>;
    /** Resolves when it has stopped, for whatever reason. */
    readonly stopped: Promise<GroupMemberEnd>;
    /** Stops leading at once, and leaves the group: for at most `timeoutMs`, five seconds when absent. */
    close(options?: { readonly timeoutMs?: number }): Promise<GroupMemberEnd>;
  };

const closeTimeoutDefaultMs = 5_000;
const heartbeatIntervalDefaultMs = 2_000;
const requestTimeoutMs = 2_000;
const backoff = { baseMs: 50, maxMs: 1_000 };

/** Joins a group at once, and keeps its membership alive until it is closed. */
export function createGroupMember(options: GroupMemberOptions): GroupMember {
  return new GroupMemberShell(options);
}

class GroupMemberShell implements GroupMember {
  readonly group: string;
  readonly memberId = newMemberId();
  readonly stopped: Promise<GroupMemberEnd>;
  readonly #requests: GroupRequests;
  readonly #core: GroupMemberCore;
  readonly #listeners = new Set<(event: GroupMemberEvent) => void>();
  #resolveStopped: (end: GroupMemberEnd) => void = () => {};
  #lease = new AbortController();
  #leadership = new AbortController();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: GroupMemberOptions) {
    const { group, controllers, metadata = '', sessionTimeoutMs = null, tls = null, token = null } = options;
    this.group = group;
    const membership = { group, memberId: this.memberId, metadata, sessionTimeoutMs };
    this.#requests = createGroupRequests(membership, { controllers, tls, token });
    const heartbeatIntervalMs = options.heartbeatIntervalMs ?? heartbeatIntervalDefaultMs;
    const config = { memberId: this.memberId, heartbeatIntervalMs, requestTimeoutMs, backoff };
    this.#core = new GroupMemberCore(config, seededRandom(randomInt(2 ** 32)));
    this.#lease.abort(new Error('it is no member yet'));
    this.#leadership.abort(new Error('it does not lead yet'));
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    // In a later turn, so that who creates a member can subscribe before anything happens.
    setImmediate(() => this.#carryOut(this.#core.start(performance.now())));
  }

  get state(): GroupMemberStateName {
    return this.#core.state;
  }

  get memberEpoch(): number | null {
    return this.#core.memberEpoch;
  }

  get leader(): GroupLeader | null {
    return this.#core.leader;
  }

  get leaderEpoch(): number | null {
    return this.#core.leaderEpoch(performance.now());
  }

  get remainingMs(): number {
    return this.#core.remainingMs(performance.now());
  }

  get leadership(): AbortSignal {
    this.#lookAtClock();
    return this.#leadership.signal;
  }

  get lease(): AbortSignal {
    this.#lookAtClock();
    return this.#lease.signal;
  }

  subscribe(listener: (event: GroupMemberEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.asyncIterator](): AsyncIterator<GroupMemberEvent> {
    const isLast = ({ type }: GroupMemberEvent): boolean => type === 'stopped';
    return streamEvents<GroupMemberEvent>((listener) => this.subscribe(listener), isLast);
  }

  whenLeader(): Promise<Leadership> {
    const { leadership, leaderEpoch } = this;
    if (leaderEpoch !== null) return Promise.resolve({ leaderEpoch, leadership });
    return new Promise((resolve, reject) => {
      if (this.#core.state === 'stopped') reject(new Error(`The member of ${this.group} has stopped.`));
      const end = this.subscribe((event) => {
        if (event.type === 'elected') {
          end();
          resolve({ leaderEpoch: event.leaderEpoch, leadership: event.leadership });
        } else if (event.type === 'stopped') {
          end();
          reject(new Error(event.end.failure?.message ?? `The member of ${this.group} left before it led.`));
        }
      });
    });
  }

  async close(options: { readonly timeoutMs?: number } = {}): Promise<GroupMemberEnd> {
    const nowMs = performance.now();
    const deadlineMs = nowMs + (options.timeoutMs ?? closeTimeoutDefaultMs);
    this.#carryOut(this.#core.leaveRequested(deadlineMs, nowMs));
    return await this.stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Before a late timer could say so: the clock decides, not the event loop. */
  #lookAtClock(): void {
    if (!this.#lease.signal.aborted && this.remainingMs === 0) this.#wake();
  }

  #wake(): void {
    this.#carryOut(this.#core.wake(performance.now()));
  }

  #carryOut(step: GroupMemberStep): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (step.nextWakeAtMs !== null) {
      // A timer may come a fraction of a ms early; one ms later costs nothing.
      const delayMs = Math.max(0, Math.ceil(step.nextWakeAtMs - performance.now()));
      this.#timer = setTimeout(() => this.#wake(), delayMs);
    }
    for (const effect of step.effects) this.#apply(effect);
  }

  #apply(effect: GroupMemberEffect): void {
    switch (effect.type) {
      case 'join':
      case 'heartbeat':
      case 'leave':
        void this.#request(effect);
        return;
      case 'leaseGranted':
        this.#lease = new AbortController();
        this.#emit({ type: 'joined', memberEpoch: effect.memberEpoch, lease: this.#lease.signal });
        return;
      case 'leaseLost':
        this.#lease.abort(new Error(effect.reason));
        this.#emit({ type: 'lost', memberEpoch: effect.memberEpoch, reason: effect.reason });
        return;
      case 'leadershipGranted': {
        this.#leadership = new AbortController();
        const { signal: leadership } = this.#leadership;
        this.#emit({ type: 'elected', leaderEpoch: effect.leaderEpoch, leadership });
        return;
      }
      case 'leadershipLost':
        this.#leadership.abort(new Error(effect.reason));
        this.#emit({ type: 'deposed', leaderEpoch: effect.leaderEpoch, reason: effect.reason });
        return;
      case 'leaderChanged':
      case 'retrying':
        this.#emit(effect);
        return;
      case 'stopped':
        this.#stop(effect.hasLeft, effect.failure);
        return;
      default:
        assertNever(effect);
    }
  }

  async #request(
    effect: Extract<GroupMemberEffect, { readonly type: 'join' | 'heartbeat' | 'leave' }>,
  ): Promise<void> {
    const { requestId } = effect;
    if (effect.type === 'join') {
      const result = await this.#requests.join(effect.timeoutMs);
      this.#carryOut(this.#core.joinCompleted(requestId, result, performance.now()));
    } else if (effect.type === 'heartbeat') {
      const result = await this.#requests.heartbeat(effect);
      this.#carryOut(this.#core.heartbeatCompleted(requestId, result, performance.now()));
    } else {
      const result = await this.#requests.leave(effect);
      this.#carryOut(this.#core.leaveCompleted(requestId, result, performance.now()));
    }
  }

  #stop(hasLeft: boolean, failure: GroupMemberRefusal | null): void {
    const known = failure === null ? null : { code: failure.code, message: failure.message };
    const end: GroupMemberEnd = { hasLeft, failure: known };
    void this.#requests.close();
    this.#emit({ type: 'stopped', end });
    this.#resolveStopped(end);
  }

  #emit(event: GroupMemberEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function newMemberId(): string {
  for (;;) {
    const value = uuidFromBytes(randomBytes(16));
    if (value !== zeroUuid) return value;
  }
}
