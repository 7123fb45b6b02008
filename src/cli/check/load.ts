import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import type { Client } from '../../client/create-client.ts';
import { NoAnswerError, OttlaError, OutcomeUnknownError } from '../../client/errors.ts';
import type { Latencies, LoadProfile, Measurement } from './verdict.ts';

/** Requests under way at once; what is due beyond them waits, and its waiting counts. */
const underWayMax = 1_024;
/** How long answers are waited for after the last request. */
const drainMaxMs = 2_000;
const tickMs = 5;

/**
 * Sends a load at a fixed rate for a while. A latency is counted from when the request was due and not from
 * when it was sent, so that a cluster which stops for a second shows it in every request of that second. A
 * write opens a session or closes one, so that nothing of it stays.
 */
export async function measureLoad(
  client: Client,
  profile: LoadProfile,
  seconds: number,
  progress: (share: number) => void,
): Promise<Measurement> {
  const load = new Load(client);
  const planned = Math.ceil(profile.writesPerSecond * seconds);
  const startMs = performance.now();
  const dueMs = (index: number): number => startMs + (index * 1_000) / profile.writesPerSecond;
  for (let next = 0; next < planned; ) {
    const nowMs = performance.now();
    if (nowMs - startMs > seconds * 1_000) break;
    for (; next < planned && dueMs(next) <= nowMs && load.hasRoom; next++) load.start(dueMs(next));
    progress((nowMs - startMs) / (seconds * 1_000));
    await sleep(tickMs);
  }
  await load.drain(performance.now() + drainMaxMs);
  return { seconds, planned, ...load.result() };
}

class Load {
  readonly #client: Client;
  readonly #writes = createHistogram();
  readonly #reads = createHistogram();
  readonly #failures: Record<string, number> = {};
  /** Sessions that were opened and not closed yet. */
  readonly #open: number[] = [];
  #underWay = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  get hasRoom(): boolean {
    return this.#underWay < underWayMax;
  }

  start(dueMs: number): void {
    void this.#run(this.#writes, dueMs, () => this.#write());
    void this.#run(this.#reads, dueMs, () => this.#client.describeIdempotency());
  }

  /** Waits for what is under way, then closes what is open. */
  async drain(untilMs: number): Promise<void> {
    while (this.#underWay > 0 && performance.now() < untilMs) await sleep(tickMs);
    const left = this.#open.splice(0);
    await Promise.allSettled(left.map((sessionId) => this.#close(sessionId)));
  }

  result(): Pick<Measurement, 'writes' | 'reads' | 'failures'> {
    return {
      writes: latenciesOf(this.#writes),
      reads: latenciesOf(this.#reads),
      failures: { ...this.#failures },
    };
  }

  async #run(histogram: RecordableHistogram, dueMs: number, ask: () => Promise<unknown>): Promise<void> {
    this.#underWay++;
    try {
      await ask();
      histogram.record(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)));
    } catch (error) {
      const code = codeOf(error);
      this.#failures[code] = (this.#failures[code] ?? 0) + 1;
    } finally {
      this.#underWay--;
    }
  }

  async #write(): Promise<void> {
    const sessionId = this.#open.shift();
    if (sessionId !== undefined) {
      await this.#close(sessionId);
      return;
    }
    const opened = await this.#client.openSession({ timeoutMs: sessionTimeoutMs }, { exactlyOnce: false });
    this.#open.push(opened.sessionId);
  }

  async #close(sessionId: number): Promise<void> {
    await this.#client.closeSession({ sessionId }, { exactlyOnce: false });
  }
}

/** Of a session that was opened when the check was killed nothing stays for longer. */
const sessionTimeoutMs = 10_000;

function latenciesOf(histogram: RecordableHistogram): Latencies {
  const { count } = histogram;
  const ms = (microseconds: number): number => (count === 0 ? 0 : microseconds / 1_000);
  return {
    count,
    medianMs: ms(histogram.percentile(50)),
    percentile90Ms: ms(histogram.percentile(90)),
    percentile99Ms: ms(histogram.percentile(99)),
    maxMs: ms(histogram.max),
  };
}

function codeOf(error: unknown): string {
  if (error instanceof OttlaError) return error.code;
  if (error instanceof OutcomeUnknownError) return 'outcome unknown';
  return error instanceof NoAnswerError ? 'no answer' : 'unexpected answer';
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
