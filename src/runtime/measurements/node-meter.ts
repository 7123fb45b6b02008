import type { NodeId } from '../../base/brands.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Files } from '../../ports/files.ts';
import type { NodeMetrics } from './node-metrics.ts';
import { Histogram } from './histogram.ts';
import { MeasuredFiles } from './measured-files.ts';
import { RecentTotals } from './recent-totals.ts';

const flushBoundsSeconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];
const electionBoundsSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Proposals whose commit is awaited; later ones are not measured, so that the map has a bound. */
const proposalsTimedMax = 4_096;

type Measured = Pick<
  NodeMetrics,
  | 'votedId'
  | 'commitLatencyMs'
  | 'appendedPerSecond'
  | 'fetchedPerSecond'
  | 'metadataErrors'
  | 'uncleanElections'
  | 'flushSeconds'
  | 'electionSeconds'
  | 'failoverSeconds'
>;

/** The stopwatches and counters of one node: those who do the work say what they do, and nobody waits for it. */
export class NodeMeter {
  readonly #clock: Clock;
  readonly files: MeasuredFiles;
  readonly #flushSeconds = new Histogram(flushBoundsSeconds);
  readonly #electionSeconds = new Histogram(electionBoundsSeconds);
  readonly #failoverSeconds = new Histogram(electionBoundsSeconds);
  readonly #commits: RecentTotals;
  readonly #appended: RecentTotals;
  readonly #fetched: RecentTotals;
  /** Proposals under way, by when they were made. */
  readonly #proposedMs = new Map<number, number>();
  #metadataErrors = 0;
  #uncleanElections = 0;
  #votedId: NodeId | null = null;
  /** When this node lost the leader it knew, and when it had heard from it last; null while it knows one. */
  #leaderless: { readonly sinceMs: number; readonly heardMs: number } | null;
  /** Since when nobody served, on a node that leads now and does not serve yet. */
  #unservedSinceMs: number | null = null;
  /** Since when something in the log waits to be committed and nothing is; null when nothing waits. */
  #uncommittedSinceMs: number | null = null;

  constructor(files: Files, clock: Clock) {
    this.#clock = clock;
    this.files = new MeasuredFiles(files, clock, this.#flushSeconds);
    const nowMs = clock.monotonicMs();
    this.#commits = new RecentTotals(nowMs);
    this.#appended = new RecentTotals(nowMs);
    this.#fetched = new RecentTotals(nowMs);
    this.#leaderless = { sinceMs: nowMs, heardMs: nowMs };
  }

  proposed(proposalId: number): void {
    if (this.#proposedMs.size < proposalsTimedMax)
      this.#proposedMs.set(proposalId, this.#clock.monotonicMs());
  }

  committed(proposalId: number): void {
    const beganMs = this.#proposedMs.get(proposalId);
    if (beganMs === undefined) return;
    this.#proposedMs.delete(proposalId);
    const nowMs = this.#clock.monotonicMs();
    this.#commits.add(nowMs - beganMs, nowMs);
  }

  appended(records: number, isFetched: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    this.#appended.add(records, nowMs);
    if (isFetched) this.#fetched.add(records, nowMs);
    this.#uncommittedSinceMs ??= nowMs;
  }

  highWatermarkAdvanced(isAllCommitted: boolean): void {
    this.#uncommittedSinceMs = isAllCommitted ? null : this.#clock.monotonicMs();
  }

  /** For how long nothing was committed though something waits for it. */
  uncommittedMs(): number {
    const sinceMs = this.#uncommittedSinceMs;
    return sinceMs === null ? 0 : Math.max(0, this.#clock.monotonicMs() - sinceMs);
  }

  voted(votedId: NodeId | null): void {
    this.#votedId = votedId;
  }

  /** `sinceContactMs`: how long ago this node heard from the leader that it knew before; null when never. */
  roleChanged(leaderId: NodeId | null, isLeader: boolean, sinceContactMs: number | null): void {
    const nowMs = this.#clock.monotonicMs();
    // What was proposed under an earlier leadership commits, if ever, without this node hearing of it.
    this.#proposedMs.clear();
    if (leaderId === null) {
      this.#unservedSinceMs = null;
      this.#leaderless ??= { sinceMs: nowMs, heardMs: nowMs - (sinceContactMs ?? 0) };
      return;
    }
    if (this.#leaderless === null) return;
    this.#electionSeconds.observe((nowMs - this.#leaderless.sinceMs) / 1_000);
    if (isLeader) this.#unservedSinceMs = this.#leaderless.heardMs;
    this.#leaderless = null;
  }

  /** This node serves as the active controller. */
  activated(): void {
    if (this.#unservedSinceMs === null) return;
    this.#failoverSeconds.observe((this.#clock.monotonicMs() - this.#unservedSinceMs) / 1_000);
    this.#unservedSinceMs = null;
  }

  metadataError(): void {
    this.#metadataErrors += 1;
  }

  uncleanElections(count: number): void {
    this.#uncleanElections += count;
  }

  read(): Measured {
    const nowMs = this.#clock.monotonicMs();
    return {
      votedId: this.#votedId,
      commitLatencyMs: this.#commits.average(nowMs),
      appendedPerSecond: this.#appended.perSecond(nowMs),
      fetchedPerSecond: this.#fetched.perSecond(nowMs),
      metadataErrors: this.#metadataErrors,
      uncleanElections: this.#uncleanElections,
      flushSeconds: this.#flushSeconds.snapshot(),
      electionSeconds: this.#electionSeconds.snapshot(),
      failoverSeconds: this.#failoverSeconds.snapshot(),
    };
  }
}
