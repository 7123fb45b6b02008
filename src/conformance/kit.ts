import type { Client } from '../client/create-client.ts';
import { assertDefined } from '../base/assert.ts';
import type { BrokerControl } from './broker-control.ts';
import { DataCluster } from './data/cluster.ts';
import type { Gateway } from './gateway/gateway.ts';
import type { SeenRequest } from './gateway/seen-request.ts';
import { Inconclusive, RuleBroken } from './verdict.ts';
import { patienceMs, pause } from './waiting.ts';

/** What a check has to work with. */
export type KitParts = {
  readonly gateway: Gateway;
  /** Asks the controllers themselves, past the gateway. */
  readonly client: Client;
  readonly control: BrokerControl | null;
  /** Null: the broker has a data plane of another kind. */
  readonly data: { readonly url: string | null } | null;
  readonly sessionTimeoutMs: number;
};

const lookEveryMs = 15;
/** A kit that was held up for so long says nothing about what did not come in time. */
const stallMaxMs = 1_000;

/** The quorum, the gateway and the broker that is looked at, as checks see them. */
export class Kit {
  readonly gateway: Gateway;
  readonly client: Client;
  readonly sessionTimeoutMs: number;
  readonly #control: BrokerControl | null;
  readonly #dataOptions: KitParts['data'];
  readonly #ticker: NodeJS.Timeout;
  #tickedAtMs = performance.now();
  #stalledAtMs = 0;
  #brokerId: number | null = null;
  #topics = 0;
  #data: DataCluster | null = null;

  constructor({ gateway, client, control, data, sessionTimeoutMs }: KitParts) {
    this.gateway = gateway;
    this.client = client;
    this.#control = control;
    this.#dataOptions = data;
    this.sessionTimeoutMs = sessionTimeoutMs;
    this.#ticker = setInterval(() => this.#tick(), 50);
  }

  get brokerId(): number {
    return assertDefined(this.#brokerId ?? undefined, 'a check begins with a broker that has registered');
  }

  get knownBrokerId(): number | null {
    return this.#brokerId;
  }

  /** For checks that need it; they are left out where there is none. */
  get control(): BrokerControl {
    return assertDefined(this.#control ?? undefined, 'a check without a command does not start the broker');
  }

  get hasControl(): boolean {
    return this.#control !== null;
  }

  get hasData(): boolean {
    return this.#dataOptions !== null;
  }

  /** For checks that need it; they are left out where there is none. */
  get data(): DataCluster {
    return assertDefined(this.#data ?? undefined, 'a check without a data plane does not ask for records');
  }

  async close(): Promise<void> {
    clearInterval(this.#ticker);
    await this.#data?.close();
  }

  /** The broker's data plane, and the brokers that the kit plays, are there. */
  async settleData(): Promise<void> {
    if (this.#dataOptions === null) return;
    this.#data ??= await DataCluster.start(this, this.#dataOptions.url);
    await this.#data.settle();
  }

  /** The broker runs, is registered and has a lease; gives the heartbeat that says so. */
  async settle(): Promise<SeenRequest> {
    this.gateway.clear();
    if (this.#control?.isRunning === false) await this.#control.start();
    const heartbeat = await this.find(() => this.gateway.of('heartbeat').find(isUnfenced));
    if (heartbeat !== null) return this.#settled(heartbeat);
    if (this.#control !== null) {
      await this.#control.kill();
      await this.#control.start();
      const afterRestart = await this.find(() => this.gateway.of('heartbeat').find(isUnfenced));
      if (afterRestart !== null) return this.#settled(afterRestart);
    }
    throw new Inconclusive('The broker does not come to be registered and unfenced.');
  }

  #settled(heartbeat: SeenRequest): SeenRequest {
    // What was asked for on the way here is not the check's.
    this.gateway.requests = [];
    this.#brokerId = Number(/\/brokers\/(\d+)\//.exec(heartbeat.path)?.[1]);
    return heartbeat;
  }

  /** What a topic is created with that the broker has a replica of, and no check asks anything else of. */
  emptyTopic(): { readonly name: string; readonly assignments: readonly number[][] } {
    return { name: this.topicName(), assignments: [[this.brokerId]] };
  }

  topicName(): string {
    this.#topics += 1;
    return `conformance-${this.#topics}`;
  }

  /** Looks again and again, for so long at most; null when it does not come. */
  async find<Found>(
    look: () => Found | undefined | Promise<Found | undefined>,
    withinMs = patienceMs,
  ): Promise<Found | null> {
    const untilMs = performance.now() + withinMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() >= untilMs) return null;
      await pause(lookEveryMs);
    }
  }

  /** As `find`, for what a check cannot go on without. */
  async expect<Found>(
    what: string,
    look: () => Found | undefined | Promise<Found | undefined>,
    withinMs = patienceMs,
  ): Promise<Found> {
    let found: Found | undefined;
    await this.find(async () => {
      found = await look();
      return found === undefined ? undefined : true;
    }, withinMs);
    if (found === undefined) throw new Inconclusive(`${what} did not come within ${withinMs} ms.`);
    return found;
  }

  /** Says that what was waited for did not come, unless it may be the machine's fault. */
  missing(sinceMs: number, demanded: string, seen: string): never {
    this.#tick();
    if (this.#stalledAtMs > sinceMs) throw new Inconclusive(`The kit was held up meanwhile. ${seen}`);
    throw new RuleBroken(demanded, seen);
  }

  #tick(): void {
    const nowMs = performance.now();
    if (nowMs - this.#tickedAtMs > stallMaxMs) this.#stalledAtMs = nowMs;
    this.#tickedAtMs = nowMs;
  }
}

export function isUnfenced({ answer, body }: SeenRequest): boolean {
  return answer?.status === 200 && answer.body['isFenced'] === false && body['wantShutDown'] !== true;
}
