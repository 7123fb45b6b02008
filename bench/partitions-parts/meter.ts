import type { Controller } from '../processes/controller.ts';

/** What a controller says of its own process at `/metrics`. */
export type ProcessFigures = {
  readonly residentMiB: number;
  /** The longest that the event loop was held up since it was asked the last time. */
  readonly longestStallMs: number;
};

/** Asking begins a new period for the longest stall. */
export async function readProcess(controller: Controller): Promise<ProcessFigures> {
  const { text } = await controller.ask('GET', '/metrics', { timeoutMs: 60_000 });
  return {
    residentMiB: valueOf(text, 'process_resident_memory_bytes') / 2 ** 20,
    longestStallMs: valueOf(text, 'ottla_event_loop_lag_seconds{quantile="1"}') * 1_000,
  };
}

function valueOf(page: string, sample: string): number {
  const line = page.split('\n').find((each) => each.startsWith(`${sample} `));
  if (line === undefined) throw new Error(`/metrics has no ${sample}`);
  return Number(line.slice(sample.length + 1));
}
