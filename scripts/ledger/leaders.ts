import { setTimeout as pause } from 'node:timers/promises';
import { field, type Http, listField, numberField } from '../../bench/processes/http.ts';

export type PartitionPlace = { readonly topic: string; readonly partition: number };

export type LedPartition = PartitionPlace & {
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
};

export function placeName({ topic, partition }: PartitionPlace): string {
  return `${topic}/${partition}`;
}

const lookEveryMs = 250;
const answerTimeoutMs = 2_000;

/** Who leads, as the controllers say it, looked at again and again. */
export class Leaders {
  readonly #http: Http;
  readonly #controllers: readonly string[];
  readonly #topics: readonly string[];
  readonly #known = new Map<string, LedPartition>();
  #target = 0;

  constructor(http: Http, controllers: readonly string[], topics: readonly string[]) {
    this.#http = http;
    this.#controllers = controllers;
    this.#topics = topics;
  }

  async follow(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      await this.look();
      await pause(lookEveryMs);
    }
  }

  /** Everything as it stands now; null where no controller says it. */
  async look(): Promise<readonly LedPartition[] | null> {
    const all: LedPartition[] = [];
    for (const topic of this.#topics) {
      const origin = this.#controllers[this.#target % this.#controllers.length] ?? '';
      const outcome = await this.#http.send('GET', `${origin}/v1/topics/${topic}/partitions?limit=1000`, {
        timeoutMs: answerTimeoutMs,
      });
      if (outcome.type !== 'answer' || outcome.status !== 200) {
        this.#target += 1;
        return null;
      }
      all.push(...listField(outcome.body, 'partitions').map((row) => readPartition(topic, row)));
    }
    for (const each of all) this.#known.set(placeName(each), each);
    return all;
  }

  /** As last seen; null where nobody leads. */
  leaderOf(place: PartitionPlace): number | null {
    const leader = this.#known.get(placeName(place))?.leader ?? -1;
    return leader < 0 ? null : leader;
  }

  get known(): readonly LedPartition[] {
    return [...this.#known.values()];
  }
}

function readPartition(topic: string, row: unknown): LedPartition {
  return {
    topic,
    partition: numberField(row, 'partition'),
    leader: numberField(row, 'leader'),
    replicas: listField(row, 'replicas').map(Number),
    isr: listField(row, 'isr').map(Number),
  };
}

export function codeOf(body: unknown): string {
  return String(field(body, 'code'));
}
