import type { SimulatedCluster, SimulatedNode } from '../cluster.ts';
import { eventKinds } from '../../src/testing/world/event-kinds.ts';
import { newMetadataVersion } from '../releases.ts';

/** What the newer release brings, in the order in which an operator finalizes it. */
const levels = [
  { feature: 'metadata.version', featureLevel: newMetadataVersion },
  { feature: 'kraft.version', featureLevel: 1 },
] as const;

type Level = (typeof levels)[number];

const requestUs = 100;
const retryUs = 200_000;
const timeoutMs = 1000;

/** An operator who finalizes what the newer release brings: asks whoever leads, again and again, until it is done. */
export class Finalization {
  readonly #cluster: SimulatedCluster;
  readonly #after: (delayUs: number, run: () => void) => void;
  #left: readonly Level[] = levels;
  #triesLeft: number;

  constructor(
    cluster: SimulatedCluster,
    after: (delayUs: number, run: () => void) => void,
    triesMax = Number.POSITIVE_INFINITY,
  ) {
    this.#cluster = cluster;
    this.#after = after;
    this.#triesLeft = triesMax;
  }

  get isDone(): boolean {
    return this.#left.length === 0;
  }

  begin(): void {
    const [next] = this.#left;
    if (next === undefined || this.#triesLeft <= 0) return;
    this.#triesLeft -= 1;
    const leader = this.#cluster.leader();
    if (leader !== null) this.#ask(leader, next);
    this.#after(retryUs, () => this.begin());
  }

  /** As an event of the leader's process, so that a paused one takes it when it goes on. */
  #ask(leader: SimulatedNode, { feature, featureLevel }: Level): void {
    const answered = (isDone: boolean): void => {
      if (isDone) this.#left = this.#left.filter((level) => level.feature !== feature);
    };
    leader.process.schedule(requestUs, eventKinds.client, () => {
      const { host } = leader;
      if (host === null) return;
      if (host.call === null) {
        // The bare core has no features; and what its voters support, its operator knows. The answer to an earlier
        // attempt may have been lost.
        const isInForce = leader.view?.kraftVersion === featureLevel;
        if (feature === 'metadata.version' || isInForce) answered(true);
        else host.changeProtocol?.(featureLevel, this.#cluster.votersAsTheyRun(leader), answered);
        return;
      }
      const request = {
        requestId: 0,
        operationId: 'updateFeature',
        input: { params: { feature }, query: {}, body: { featureLevel } },
        principal: 'operator',
        idempotencyKey: null,
        consistency: 'linearizable',
        minOffset: null,
        ifMatch: null,
        timeoutMs,
      } as const;
      host.call(request, ({ result }) => {
        this.#cluster.say(
          () => `${leader.process.name} answers ${feature} ${featureLevel} with ${JSON.stringify(result)}`,
        );
        answered(result.ok);
      });
    });
  }
}
