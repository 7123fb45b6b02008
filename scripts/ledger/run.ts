import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import {
  compare,
  compareShown,
  complaintsOf,
  formatComparison,
  RecordLedger,
  type StoredRecord,
} from './account.ts';
import { LedgerCluster } from './cluster.ts';
import { Faults, type Gaps } from './faults.ts';
import { Leaders, type PartitionPlace, placeName } from './leaders.ts';
import { Operator } from './operator.ts';
import { Producer } from './producer.ts';
import { follow, readWhole } from './reading.ts';
import { Transcript } from './transcript.ts';

export type LedgerRunOptions = {
  readonly seed: number;
  /** For so long things go wrong; what is under way then is waited for. */
  readonly durationMs: number;
  readonly gaps: Gaps;
  /** Each has four partitions, and each producer writes to all of them. */
  readonly topics: readonly string[];
  readonly producers: number;
  /** Where the processes have their files; it is there, and whoever made it removes it. */
  readonly folder: string;
  readonly write: (text: string) => void;
};

export type LedgerRunResult = {
  /** `acknowledged N, missing 0, duplicated 0, out of order 0, unknown U of which present P` */
  readonly line: string;
  readonly acknowledged: number;
  readonly faults: number;
  /** Nothing, where all is as it must be. */
  readonly complaints: readonly string[];
};

const brokerCount = 4;
const partitionsPerTopic = 4;
const sayEveryMs = 30_000;
const settleTimeoutMs = 180_000;

/**
 * Three controllers and four brokers as processes, producers that keep a ledger, an operator who moves every partition
 * and empties a broker, and processes that are killed all the while; then everything is read back and compared.
 */
export async function runLedger(options: LedgerRunOptions): Promise<LedgerRunResult> {
  const cluster = await LedgerCluster.start(options.folder, brokerCount);
  try {
    const result = await new LedgerRun(cluster, options).run();
    if (result.complaints.length > 0) cluster.writeOutputs(options.folder);
    return result;
  } catch (error) {
    cluster.writeOutputs(options.folder);
    throw error;
  } finally {
    await cluster.close();
  }
}

/** Whoever works beside the operator is told by these to come to an end. */
type Signals = Readonly<Record<'faulting' | 'producing' | 'watching' | 'abandoned', AbortController>>;

class LedgerRun {
  readonly #cluster: LedgerCluster;
  readonly #transcript: Transcript;
  readonly #leaders: Leaders;
  readonly #operator: Operator;
  readonly #faults: Faults;
  readonly #random: Random;
  readonly #places: readonly PartitionPlace[];
  readonly #producerCount: number;
  readonly #ledger = new RecordLedger();
  readonly #signals: Signals = {
    faulting: new AbortController(),
    producing: new AbortController(),
    watching: new AbortController(),
    abandoned: new AbortController(),
  };

  constructor(cluster: LedgerCluster, options: LedgerRunOptions) {
    const { folder, durationMs, write, seed, gaps, topics, producers } = options;
    const { origins } = cluster.quorum;
    this.#cluster = cluster;
    this.#random = seededRandom(seed);
    this.#producerCount = producers;
    this.#places = topics.flatMap((topic) =>
      Array.from({ length: partitionsPerTopic }, (_, partition) => ({ topic, partition })),
    );
    const transcript = new Transcript(origins, write, this.#signals.abandoned.signal);
    this.#transcript = transcript;
    const leaders = new Leaders(cluster.http, origins, topics);
    this.#leaders = leaders;
    const drained = (seed % brokerCount) + 1;
    this.#operator = new Operator({ transcript, folder, topics, brokerCount, drained, durationMs });
    const stopping = this.#signals.faulting.signal;
    this.#faults = new Faults({ cluster, leaders, transcript, random: this.#random.fork(), gaps, stopping });
  }

  async run(): Promise<LedgerRunResult> {
    await this.#operator.createTopics(partitionsPerTopic);
    const { faulting, producing, watching, abandoned } = this.#signals;
    const following = this.#leaders.follow(watching.signal);
    const producers = this.#places.flatMap((place) => this.#producersAt(place));
    const consumers = this.#places.map((place) => follow(place, this.#reading, watching.signal));
    const faults = this.#faults.run();
    const working = this.#operator.work();
    const all = [following, faults, working, ...producers, ...consumers];
    const ticker = setInterval(() => this.#sayCounts(), sayEveryMs);
    try {
      await unlessFailed(working, all);
      faulting.abort();
      await unlessFailed(faults, all);
      this.#transcript.say('nothing goes wrong any more');
      await unlessFailed(this.#settle(), all);
      const stuck = await unlessFailed(this.#findStuck(), all);
      producing.abort();
      // What they wait for will not come, and what is lost is to be counted all the same.
      if (stuck.length > 0) abandoned.abort();
      await unlessFailed(Promise.all(producers), all);
      const stored = await unlessFailed(this.#readAll(), all);
      watching.abort();
      const shown = await Promise.all(consumers);
      this.#cluster.expectNoneEnded();
      if (stuck.length === 0) await this.#operator.show();
      const shownAt = new Map(this.#places.map((place, at) => [placeName(place), shown[at] ?? []]));
      return this.#compare(shownAt, stored, stuck);
    } finally {
      clearInterval(ticker);
      // Nobody may start a process any more once they are all ended.
      for (const signal of Object.values(this.#signals)) signal.abort();
      await Promise.allSettled(all);
    }
  }

  get #reading(): Parameters<typeof follow>[1] {
    return { http: this.#cluster.http, leaders: this.#leaders, urlOf: (id) => this.#cluster.urlOf(id) };
  }

  #producersAt(place: PartitionPlace): readonly Promise<void>[] {
    const { producing, abandoned } = this.#signals;
    return Array.from({ length: this.#producerCount }, (_, producerId) =>
      new Producer({
        ...this.#reading,
        ledger: this.#ledger,
        producerId,
        place,
        random: this.#random.fork(),
        isImpatient: producerId === 0,
        stopping: producing.signal,
        abandoned: abandoned.signal,
      }).run(),
    );
  }

  /** All is as it was before anything went wrong. */
  async #settle(): Promise<void> {
    await this.#cluster.waitUntilUnfenced();
    await waitFor(
      'all replicas are in sync',
      async () => {
        const partitions = (await this.#leaders.look()) ?? [];
        const lagging = partitions.filter(({ isr, replicas }) => isr.length < replicas.length);
        if (partitions.length === this.#places.length && lagging.length === 0) return true;
        return new NotYet(lagging.map((each) => `${placeName(each)}: ${each.isr.join(',')}`).join('; '));
      },
      { timeoutMs: settleTimeoutMs, pollMs: 200 },
    );
  }

  /** Where nothing more is acknowledged, though nothing stands in the way. */
  async #findStuck(): Promise<readonly string[]> {
    const looked = this.#places.map(async (place) => {
      const name = placeName(place);
      const before = this.#ledger.acknowledgedAt(name);
      const probe = (): true | NotYet => this.#ledger.acknowledgedAt(name) > before || new NotYet('nothing');
      const isStuck = await waitFor(`more is acknowledged at ${name}`, probe, { pollMs: 200 }).catch(
        () => null,
      );
      return isStuck === null ? [`stuck: nothing more is acknowledged at ${name}`] : [];
    });
    return (await Promise.all(looked)).flat();
  }

  async #readAll(): Promise<ReadonlyMap<string, readonly StoredRecord[]>> {
    const stored = new Map<string, readonly StoredRecord[]>();
    for (const place of this.#places) stored.set(placeName(place), await readWhole(place, this.#reading));
    return stored;
  }

  #compare(
    shown: ReadonlyMap<string, readonly StoredRecord[]>,
    stored: ReadonlyMap<string, readonly StoredRecord[]>,
    stuck: readonly string[],
  ): LedgerRunResult {
    const comparison = compare(this.#ledger, stored);
    const gone = compareShown(shown, stored);
    const shownCount = [...shown.values()].reduce((total, records) => total + records.length, 0);
    const line = formatComparison(comparison);
    const { acknowledged, refused, unasked } = comparison;
    this.#transcript.say(line);
    this.#transcript.say(
      `refused ${refused}, there without leave ${unasked.length}; shown to consumers meanwhile ${shownCount}, gone ${gone.length}; faults ${this.#faults.count}`,
    );
    const complaints = [...complaintsOf(comparison), ...gone.map((each) => `gone: ${each}`), ...stuck];
    return { line, acknowledged, faults: this.#faults.count, complaints };
  }

  #sayCounts(): void {
    const ledger = this.#ledger;
    const [acknowledged, unknown] = [ledger.count('acknowledged'), ledger.count('unknown')];
    this.#transcript.say(`so far: acknowledged ${acknowledged}, unknown ${unknown}`);
  }
}

/** What `work` gives; where anything else of a run fails before, that. */
async function unlessFailed<Value>(work: Promise<Value>, all: readonly Promise<unknown>[]): Promise<Value> {
  const failing = new Promise<never>((_, reject) => {
    for (const each of all) each.catch(reject);
  });
  return await Promise.race([work, failing]);
}
