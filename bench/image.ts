import { PerformanceObserver, performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { brokerId, epoch, offset, type TopicId, uuid } from '../src/base/brands.ts';
import { rowsPerPage } from '../src/base/columns.ts';
import { seededRandom } from '../src/base/random.ts';
import { randomUuid } from '../src/base/uuid.ts';
import { createImageLoader } from '../src/codec/image-loader.ts';
import { checkpointPages, type PageEntry } from '../src/codec/image-pages.ts';
import { createImageBuilder, emptyImage, imageDigest, type MetadataImage } from '../src/metadata/image.ts';
import type { InternalOperation, OperationContext } from '../src/metadata/operation.ts';
import { builtInRegistry, type MetadataRecord } from '../src/metadata/registry.ts';
import { expireBrokerSessions } from '../src/metadata/resources/broker/expiry.ts';
import { column } from '../src/metadata/resources/topic/partition-row.ts';
import { partitionChange } from '../src/metadata/resources/topic/records.ts';
import { report, type ReportRow } from './report.ts';

/**
 * The image at 2 million partitions (design 12, peers.md): memory, updates, iteration, dropping, digests
 * and checkpoints, each with its longest slice and the longest pause of the garbage collector meanwhile.
 *
 *   npm run bench -- image [--partitions 2000000] [--brokers 100]
 */
const partitionsPerTopic = 1_000;
const replicasPerPartition = 3;
const recordsPerBatch = 10_000;

export async function run(args: readonly string[]): Promise<void> {
  const partitions = option(args, '--partitions', 2_000_000);
  const brokers = option(args, '--brokers', 100);
  const bench = new ImageBench(partitions, brokers);
  await bench.run();
  report('image', bench.rows);
}

function option(args: readonly string[], name: string, otherwise: number): number {
  const at = args.indexOf(name);
  const value = at < 0 ? otherwise : Number(args[at + 1]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} takes a whole number of at least 1`);
  return value;
}

/** What one measurement found. */
type Measured = {
  readonly totalMs: number;
  /** Processor time of this process: what the work costs, however busy the machine is. */
  readonly cpuMs: number;
  readonly longestSliceMs: number;
  readonly longestCollectionMs: number;
};

class ImageBench {
  readonly rows: ReportRow[] = [];
  readonly #partitions: number;
  readonly #brokers: number;
  readonly #topics: TopicId[] = [];
  readonly #collections: { readonly endMs: number; readonly durationMs: number }[] = [];
  readonly #collect: () => void;
  #image: MetadataImage = emptyImage;
  #checkpointed: MetadataImage | null = null;
  #pages: PageEntry[] = [];
  #root = '';

  constructor(partitions: number, brokers: number) {
    this.#partitions = partitions;
    this.#brokers = brokers;
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    this.#collect = (): void => {
      if (typeof collect === 'function') collect();
    };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        this.#collections.push({ endMs: entry.startTime + entry.duration, durationMs: entry.duration });
      }
    }).observe({ entryTypes: ['gc'] });
  }

  async run(): Promise<void> {
    await this.#build();
    await this.#singleUpdates();
    await this.#spreadUpdates();
    await this.#clone();
    await this.#iterate();
    await this.#drop();
    await this.#digest();
    await this.#checkpoints();
    await this.#load();
    await this.#fence();
  }

  /** Runs slices until one says that it was the last, with the event loop's turn between them. */
  async #measure(operation: string, count: number, slice: (at: number) => boolean): Promise<Measured> {
    const startMs = performance.now();
    const cpuBefore = process.cpuUsage();
    let totalMs = 0;
    let longestSliceMs = 0;
    for (let at = 0, goesOn = true; goesOn; at++) {
      const before = performance.now();
      goesOn = slice(at);
      const sliceMs = performance.now() - before;
      totalMs += sliceMs;
      longestSliceMs = Math.max(longestSliceMs, sliceMs);
      await turn();
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    // The observer is told of a collection a turn after it.
    await turn();
    await turn();
    const pauses = this.#collections
      .filter(({ endMs }) => endMs >= startMs)
      .map(({ durationMs }) => durationMs);
    const measured = {
      totalMs,
      cpuMs: (user + system) / 1_000,
      longestSliceMs,
      longestCollectionMs: Math.max(0, ...pauses),
    };
    this.rows.push({ operation, count, countPerSecond: (count / totalMs) * 1_000, ...measured });
    console.log(`${operation}: ${count} in ${totalMs.toFixed(1)} ms`);
    return measured;
  }

  #append(records: readonly MetadataRecord[]): void {
    const builder = createImageBuilder(this.#image);
    let next: number = this.#image.endOffset;
    for (const record of records) {
      builder.replay(record, { offset: offset(next), epoch: epoch(1), timestampMs: 1 });
      next++;
    }
    this.#image = builder.freeze(offset(next), epoch(1));
  }

  async #build(): Promise<void> {
    const random = seededRandom(1);
    const topicCount = Math.ceil(this.#partitions / partitionsPerTopic);
    for (let topic = 0; topic < topicCount; topic++) this.#topics.push(randomUuid(random));
    this.#append(Array.from({ length: this.#brokers }, (_, id) => registration(id)));
    const before = this.#memory();
    let topic = 0;
    await this.#measure('replay: partitions created', this.#partitions, () => {
      const records: MetadataRecord[] = [];
      while (topic < topicCount && records.length + partitionsPerTopic < recordsPerBatch) {
        records.push(...this.#topicRecords(topic++));
      }
      this.#append(records);
      return topic < topicCount;
    });
    const after = this.#memory();
    const heapMiB = after.heapMiB - before.heapMiB;
    const arraysMiB = after.arraysMiB - before.arraysMiB;
    this.rows.push({
      partitions: this.#partitions,
      brokers: this.#brokers,
      imageMiB: heapMiB + arraysMiB,
      heapMiB,
      arraysMiB,
      residentMiB: after.residentMiB - before.residentMiB,
      bytesPerPartition: ((heapMiB + arraysMiB) * 2 ** 20) / this.#partitions,
    });
    console.log(`image: ${heapMiB.toFixed(1)} MiB of heap, ${arraysMiB.toFixed(1)} MiB of arrays`);
  }

  #topicRecords(topic: number): MetadataRecord[] {
    const topicId = this.#topicAt(topic);
    const records: MetadataRecord[] = [{ type: 'TopicRecord', name: `topic-${topic}`, topicId }];
    const count = Math.min(partitionsPerTopic, this.#partitions - topic * partitionsPerTopic);
    for (let partitionId = 0; partitionId < count; partitionId++) {
      const first = topic * 7 + partitionId;
      const replicas = Array.from(
        { length: replicasPerPartition },
        (_, at) => (first + at * 3) % this.#brokers,
      );
      records.push({
        type: 'PartitionRecord',
        partitionId,
        topicId,
        replicas,
        isr: replicas,
        removingReplicas: [],
        addingReplicas: [],
        leader: replicas[0] ?? -1,
        leaderRecoveryState: 0,
        leaderEpoch: 0,
        partitionEpoch: 0,
        directories: [],
        eligibleLeaderReplicas: null,
        lastKnownElr: null,
      });
    }
    return records;
  }

  #topicAt(topic: number): TopicId {
    return this.#topics[topic % this.#topics.length] ?? uuid('AAAAAAAAAAAAAAAAAAAAAA');
  }

  /** A leader change of some partition, far from the one before. */
  #changeAt(at: number): MetadataRecord {
    const partition = (at * 7_919) % this.#partitions;
    const topic = Math.floor(partition / partitionsPerTopic);
    const partitionId = partition % partitionsPerTopic;
    const leader = (topic * 7 + partitionId + (at % 2) * 3) % this.#brokers;
    return partitionChange({ topicId: this.#topicAt(topic), partitionId, leader });
  }

  async #singleUpdates(): Promise<void> {
    const count = 100_000;
    const perSlice = 250;
    await this.#measure('images of one update each', count, (slice) => {
      for (let at = 0; at < perSlice; at++) this.#append([this.#changeAt(slice * perSlice + at)]);
      return (slice + 1) * perSlice < count;
    });
  }

  async #spreadUpdates(): Promise<void> {
    const count = 100_000;
    const changes = Array.from({ length: count }, (_, at) => this.#changeAt(at));
    await this.#measure('spread updates in one image', count, () => {
      this.#append(changes);
      return false;
    });
  }

  async #clone(): Promise<void> {
    const count = 1_000_000;
    await this.#measure('builders opened and frozen', count, (slice) => {
      for (let at = 0; at < 10_000; at++) this.#append([]);
      return (slice + 1) * 10_000 < count;
    });
  }

  async #iterate(): Promise<void> {
    let leaders = 0;
    await this.#measure('partitions iterated in one slice', this.#partitions, () => {
      const { partitions } = this.#image.topic;
      for (const slot of partitions.slots()) leaders += partitions.column(slot, column.leader);
      return false;
    });
    if (leaders < 0) throw new Error('every partition has a leader');
  }

  /** Many images that share most pages, dropped at once. */
  async #drop(): Promise<void> {
    const kept: MetadataImage[] = [];
    for (let at = 0; at < 20_000; at++) {
      this.#append([this.#changeAt(at)]);
      kept.push(this.#image);
    }
    const count = kept.length;
    await this.#measure('images dropped, and a full collection', count, () => {
      kept.length = 0;
      this.#collect();
      return false;
    });
  }

  async #digest(): Promise<void> {
    await this.#measure('digest of all partitions', this.#partitions, () => {
      imageDigest(this.#image);
      return false;
    });
    this.#append(Array.from({ length: 100 }, (_, at) => this.#changeAt(at)));
    await this.#measure('digest after changed partitions', 100, () => {
      imageDigest(this.#image);
      return false;
    });
  }

  async #checkpoints(): Promise<void> {
    let bytes = 0;
    const whole = checkpointPages(this.#image, null);
    const steps = whole[Symbol.iterator]();
    const pageCount = Math.ceil(this.#partitions / rowsPerPage);
    await this.#measure('checkpoint pages, all (a slice is a page)', pageCount, () => {
      const step = steps.next();
      if (step.done === true || step.value.value === null) return false;
      bytes += step.value.value.length;
      this.#pages.push({ key: step.value.key, value: step.value.value });
      return true;
    });
    this.#root = whole.summary().root;
    this.#checkpointed = this.#image;
    this.rows.push({ checkpoint: 'whole', pages: this.#pages.length, writtenMiB: bytes / 2 ** 20 });

    this.#append(Array.from({ length: 100 }, (_, at) => this.#changeAt(at)));
    const changed = checkpointPages(this.#image, this.#checkpointed);
    let pages = 0;
    let changedBytes = 0;
    const next = changed[Symbol.iterator]();
    await this.#measure('checkpoint of changed partitions (a slice is a page)', 100, () => {
      const step = next.next();
      if (step.done === true) return false;
      pages++;
      changedBytes += step.value.value?.length ?? 0;
      return true;
    });
    this.rows.push({ checkpoint: '100 changed', pages, writtenMiB: changedBytes / 2 ** 20 });
  }

  async #load(): Promise<void> {
    const loader = createImageLoader(builtInRegistry);
    const image = this.#checkpointed;
    if (image === null) throw new Error('a checkpoint was made before');
    const count = this.#pages.length;
    await this.#measure('pages loaded (a slice is a page)', count, (at) => {
      const page = this.#pages[at];
      if (page === undefined) return false;
      const added = loader.add(page);
      if (!added.ok) throw new Error(added.error.message);
      return true;
    });
    await this.#measure('load finished', 1, () => {
      const { endOffset, epoch: imageEpoch, timestampMs } = image;
      const loaded = loader.finish({ endOffset, epoch: imageEpoch, timestampMs }, this.#root);
      if (!loaded.ok) throw new Error(loaded.error.message);
      for (const _page of loader.rememberDigests(loaded.value));
      return false;
    });
    this.#pages = [];
  }

  async #fence(): Promise<void> {
    const hosted = this.#image.topic.brokers.get(1)?.replicas.size ?? 0;
    let work: InternalOperation | null = expireBrokerSessions([brokerId(1)]);
    await this.#measure('partitions of a broker fenced (a slice is a batch)', hosted, () => {
      if (work === null) return false;
      const { records, continueWith } = work.handle(this.#image, this.#context());
      this.#append(records);
      work = continueWith;
      return work !== null;
    });
  }

  #context(): OperationContext {
    return {
      nextOffset: this.#image.endOffset,
      epoch: epoch(1),
      timestampMs: 1,
      random: seededRandom(1),
      clusterId: uuid('AAAAAAAAQACAAAAAAAAAAQ'),
      principal: 'bench',
      sessions: { sessionTimeoutMs: 9_000, isLive: () => false, metadataOffset: () => null },
      groupSessions: { isLive: () => false },
      quorum: { supported: [], kraftVersion: 1, voters: [], isChanging: false },
      recordsPerStepMax: Number.MAX_SAFE_INTEGER,
    };
  }

  #memory(): { readonly heapMiB: number; readonly arraysMiB: number; readonly residentMiB: number } {
    this.#collect();
    this.#collect();
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    return { heapMiB: heapUsed / 2 ** 20, arraysMiB: arrayBuffers / 2 ** 20, residentMiB: rss / 2 ** 20 };
  }
}

function registration(id: number): MetadataRecord {
  return {
    type: 'RegisterBrokerRecord',
    brokerId: id,
    incarnationId: randomUuid(seededRandom(id)),
    brokerEpoch: id,
    endPoints: [{ name: 'CLIENT', host: 'localhost', port: 9000, securityProtocol: 0 }],
    features: [],
    rack: `rack-${id % 3}`,
    fenced: false,
    inControlledShutdown: false,
    logDirs: [],
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
