import { Histogram, type Registry } from 'prom-client';
import type { HistogramSnapshot } from '../../runtime/measurements/histogram.ts';

/** A histogram that was counted elsewhere, in the form in which prom-client writes its own. */
export class SnapshotHistogram extends Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #snapshot: HistogramSnapshot;

  constructor(registry: Registry, name: string, help: string, snapshot: HistogramSnapshot) {
    super({ name, help, registers: [registry], buckets: [...snapshot.bounds] });
    this.#name = name;
    this.#help = help;
    this.#snapshot = snapshot;
  }

  /** What a registry writes; `get` reads it, too. prom-client's types do not name it. */
  getForPromString(): Promise<object> {
    const { bounds, counts, sum } = this.#snapshot;
    let cumulative = 0;
    const buckets = counts.map((count, at) => {
      cumulative += count;
      return { metricName: `${this.#name}_bucket`, labels: { le: bounds[at] ?? '+Inf' }, value: cumulative };
    });
    const values = [
      ...buckets,
      { metricName: `${this.#name}_sum`, labels: {}, value: sum },
      { metricName: `${this.#name}_count`, labels: {}, value: cumulative },
    ];
    return Promise.resolve({
      name: this.#name,
      help: this.#help,
      type: 'histogram',
      aggregator: 'sum',
      values,
    });
  }
}
