import { createHistogram } from 'node:perf_hooks';
import { LeanConnection } from '../support/lean-http.ts';

export type LaneTimes = { readonly seconds: number; readonly warmUpSeconds: number };

export type LaneFigures = {
  readonly writesPerSecond: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  readonly failedCount: number;
};

/** Keeps `count` writes under way at any time, one for each lane, and measures those after the warm-up. */
export async function runLanes(
  count: number,
  write: (lane: number) => Promise<boolean>,
  { seconds, warmUpSeconds }: LaneTimes,
): Promise<LaneFigures> {
  const histogram = createHistogram();
  const counts = { acknowledged: 0, failed: 0 };
  const measureFromMs = performance.now() + warmUpSeconds * 1_000;
  const untilMs = measureFromMs + seconds * 1_000;
  const run = async (lane: number): Promise<void> => {
    for (let nowMs = performance.now(); nowMs < untilMs; ) {
      const isAcknowledged = await write(lane);
      const endMs = performance.now();
      if (endMs >= measureFromMs && endMs < untilMs) {
        if (isAcknowledged) counts.acknowledged += 1;
        else counts.failed += 1;
        histogram.record(Math.max(1, Math.round((endMs - nowMs) * 1_000)));
      }
      nowMs = endMs;
    }
  };
  await Promise.all(Array.from({ length: count }, (_, lane) => run(lane)));
  return {
    writesPerSecond: Math.round(counts.acknowledged / seconds),
    latencyP50Ms: histogram.percentile(50) / 1_000,
    latencyP99Ms: histogram.percentile(99) / 1_000,
    failedCount: counts.failed,
  };
}

/** Connections of plain HTTP, one for each lane. */
export class LeanLanes {
  readonly #connections: readonly LeanConnection[];

  private constructor(connections: readonly LeanConnection[]) {
    this.#connections = connections;
  }

  static async open(port: number, count: number): Promise<LeanLanes> {
    return new LeanLanes(await Promise.all(Array.from({ length: count }, () => LeanConnection.open(port))));
  }

  /** True when the answer has the status that means success. */
  post(lane: number, path: string, body: string, successStatus: number): Promise<boolean> {
    return new Promise((resolve) => {
      const connection = this.#connections[lane];
      if (connection === undefined) throw new Error(`there is no lane ${lane}`);
      connection.post(path, body, (status) => resolve(status === successStatus));
    });
  }

  get(lane: number, path: string): Promise<boolean> {
    return new Promise((resolve) => {
      const connection = this.#connections[lane];
      if (connection === undefined) throw new Error(`there is no lane ${lane}`);
      connection.get(path, (status) => resolve(status === 200));
    });
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}
