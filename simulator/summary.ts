import type { RunReport } from './run.ts';

/** Adds up what many runs have done. */
export class Summary {
  failures = 0;
  #seeds = 0;
  #simulatedUs = 0;
  #events = 0;
  #messages = 0;
  #elections = 0;
  #commits = 0;
  readonly #faults = new Map<string, number>();
  readonly #outcomes = new Map<string, number>();
  readonly #marks = new Map<string, number>();

  add(report: RunReport): void {
    this.#seeds++;
    if (report.violation !== null) this.failures++;
    this.#simulatedUs += report.simulatedUs;
    this.#events += report.events;
    this.#messages += report.messages;
    this.#elections += report.elections;
    this.#commits += report.commits;
    addAll(this.#faults, Object.entries(report.faults));
    addAll(this.#outcomes, Object.entries(report.outcomes));
    addAll(this.#marks, report.marks);
  }

  text(realSeconds: number, cpuSeconds: number): string {
    const simulatedSeconds = Math.floor(this.#simulatedUs / 1_000_000);
    const rate = Math.floor(simulatedSeconds / Math.max(cpuSeconds, 0.001));
    const faults = [...this.#faults.values()].reduce((sum, count) => sum + count, 0);
    return [
      `${this.#seeds} seeds, ${this.failures} failed`,
      `${simulatedSeconds} simulated seconds in ${realSeconds.toFixed(1)} real ones, ${rate} for each second of processor time`,
      `${this.#events} events, ${this.#messages} messages, ${this.#elections} elections, ${this.#commits} batches committed`,
      `${faults} faults: ${listed(this.#faults)}`,
      `requests: ${listed(this.#outcomes)}`,
      `marks: ${listed(this.#marks)}`,
    ].join('\n');
  }
}

function addAll(into: Map<string, number>, entries: Iterable<readonly [string, number]>): void {
  for (const [name, count] of entries) into.set(name, (into.get(name) ?? 0) + count);
}

function listed(counts: ReadonlyMap<string, number>): string {
  const names = [...counts.keys()].toSorted((left, right) => (left < right ? -1 : 1));
  return names.map((name) => `${name} ${counts.get(name) ?? 0}`).join(', ');
}
