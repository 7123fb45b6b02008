import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const nanosecondsPerSecond = 1e9;
const bytesPerKibibyte = 1_024;

/** What the process and its HTTP border do, counted from when the server started. */
export class ProcessMeter {
  readonly registry = new Registry();
  readonly #eventLoop: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  readonly #requests: Histogram<'method' | 'route' | 'status'>;

  constructor(pendingCount: () => number) {
    const registers = [this.registry];
    this.#eventLoop.enable();
    this.#requests = new Histogram({
      name: 'ottla_http_request_duration_seconds',
      help: 'From a request to its answer, by route.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    });
    this.#addEventLoop();
    this.#addProcess(pendingCount);
  }

  /** Routes, and never paths, are labels: a path may name any of a million things. */
  observe(app: FastifyInstance): void {
    app.addHook('onResponse', (request, reply, next) => {
      const route = request.routeOptions.url ?? 'none';
      const labels = { method: request.method, route, status: reply.statusCode };
      this.#requests.observe(labels, reply.elapsedTime / 1_000);
      next();
    });
  }

  close(): void {
    this.#eventLoop.disable();
  }

  /** Since the last time that somebody asked. */
  #addEventLoop(): void {
    const eventLoop = this.#eventLoop;
    new Gauge({
      name: 'ottla_event_loop_lag_seconds',
      help: 'How late the event loop is, since it was asked for last.',
      labelNames: ['quantile'],
      registers: [this.registry],
      collect() {
        const known = (value: number): number => (Number.isFinite(value) ? value / nanosecondsPerSecond : 0);
        this.set({ quantile: '0.5' }, known(eventLoop.percentile(50)));
        this.set({ quantile: '0.99' }, known(eventLoop.percentile(99)));
        this.set({ quantile: '1' }, known(eventLoop.max));
        eventLoop.reset();
      },
    });
  }

  #addProcess(pendingCount: () => number): void {
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(read());
        },
      });
    };
    gauge('ottla_http_requests_pending', 'Requests that wait for the controller.', pendingCount);
    gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
    this.#addProcessorTime();
    gauge('process_start_time_seconds', 'When the process started, since 1970.', () =>
      Math.round(Date.now() / 1_000 - process.uptime()),
    );
    gauge(
      'process_max_resident_memory_bytes',
      'The most resident memory so far.',
      () => process.resourceUsage().maxRSS * bytesPerKibibyte,
    );
  }

  /** The process counts it, and this only shows how far it is. */
  #addProcessorTime(): void {
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Processor time used.',
      registers: [this.registry],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
  }
}
