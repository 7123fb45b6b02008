import { spawn, spawnSync } from 'node:child_process';

export type WrkFigures = {
  readonly requestsPerSecond: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  readonly failedCount: number;
};

export function isWrkInstalled(): boolean {
  return spawnSync('wrk', ['--version']).error === undefined;
}

/** One run of wrk, which costs less than any client of ours, on one thread. */
export async function runWrk(url: string, connections: number, seconds: number): Promise<WrkFigures> {
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url]);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`wrk ended with ${code}: ${text}`);
  return readWrk(text);
}

/** Of what wrk prints; a missing figure is an error, and not a zero. */
export function readWrk(text: string): WrkFigures {
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? '0';
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1);
  return {
    requestsPerSecond: Math.round(Number(found(text, /Requests\/sec: +([\d.]+)/))),
    latencyP50Ms: milliseconds(found(text, /^ +50% +(\S+)$/m)),
    latencyP99Ms: milliseconds(found(text, /^ +99% +(\S+)$/m)),
    failedCount: Number(refused) + (errors ?? []).reduce((sum, count) => sum + Number(count), 0),
  };
}

function found(text: string, pattern: RegExp): string {
  const value = pattern.exec(text)?.[1];
  if (value === undefined) throw new Error(`wrk does not say ${String(pattern)}: ${text}`);
  return value;
}

const unitsMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

function milliseconds(text: string): number {
  const [, number, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : unitsMs[unit];
  if (factor === undefined) throw new Error(`wrk says '${text}' for a latency`);
  return Number(number) * factor;
}
