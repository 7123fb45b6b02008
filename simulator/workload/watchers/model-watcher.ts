import { offset, type Offset } from '../../../src/base/brands.ts';
import { hashIntegers, type Random, seededRandom } from '../../../src/base/random.ts';
import { LocalImageCore } from '../../../src/client/core/local-image-core.ts';
import { WatchCore, type WatchBreak, type WatchDecision } from '../../../src/client/core/watch-core.ts';
import { errorCatalogue } from '../../../src/metadata/errors.ts';
import type { MetadataImage } from '../../../src/metadata/image.ts';
import type { WatchEvent } from '../../../src/runtime/watch/watch-api.ts';
import type { SimulatedCluster, SimulatedNode } from '../../cluster.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { World } from '../../world.ts';
import { SimulatedStream } from './stream.ts';
import type { PlannedWatcher } from './watcher-plan.ts';
import { builtInRegistry } from '../../../src/metadata/registry.ts';

/** What judges a watcher: told of everything that arrives, and of everything that its program is given. */
export type WatchJudge = {
  arrived(watcher: ModelWatcher, event: WatchEvent): void;
  given(watcher: ModelWatcher, event: WatchEvent): void;
};

export type ModelWatcherOptions = {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly process: SimulatedProcess;
  readonly planned: PlannedWatcher;
  readonly judges: readonly WatchJudge[];
  readonly counts: { events: number; streams: number; restarts: number };
};

/**
 * One program that watches with the SDK: its cores decide where it goes on and make its copy of the state, the
 * waiting and connecting is done here, under virtual time.
 */
export class ModelWatcher {
  readonly planned: PlannedWatcher;
  readonly process: SimulatedProcess;
  readonly #options: ModelWatcherOptions;
  readonly #random: Random;
  readonly #image = new LocalImageCore(builtInRegistry);
  #core: WatchCore;
  #stream: SimulatedStream | null = null;
  /** Where the present stream was asked to begin. */
  askedSince: Offset | null = null;

  constructor(options: ModelWatcherOptions) {
    const { planned, process, world } = options;
    this.#options = options;
    this.planned = planned;
    this.process = process;
    this.#random = seededRandom(hashIntegers(world.seed, process.index, 0x7761));
    this.#core = this.#createCore(planned.fromBeginning ? offset(0) : null);
  }

  get position(): Offset | null {
    return this.#core.position;
  }

  /** Its copy; null where it watches some kinds only, or has begun without the state. */
  get image(): MetadataImage | null {
    return this.#image.image;
  }

  begin(): void {
    this.#connect();
  }

  nodeEnded(node: SimulatedNode): void {
    const stream = this.#stream;
    if (stream?.node !== node) return;
    this.process.schedule(300, eventKinds.client, () => stream.lose());
  }

  #createCore(since: Offset | null): WatchCore {
    const { cluster, process, planned } = this.#options;
    const endpointCount = cluster.nodes.length;
    return new WatchCore({
      since,
      isFiltered: planned.kinds !== null,
      endpointCount,
      firstEndpoint: process.index % endpointCount,
      backoff: { baseMs: 20, maxMs: 1_000 },
      random: this.#random,
    });
  }

  #connect(): void {
    const { world, cluster, counts, planned } = this.#options;
    const node = cluster.nodes[this.#core.endpoint];
    if (node === undefined) return;
    counts.streams++;
    const { since, clusterId } = this.#core.request;
    this.askedSince = since;
    world.say(() => `${this.process.name} watches ${node.process.name} from ${since ?? 'the state'}`);
    const stream = new SimulatedStream(world, node, this.process, {
      begun: (begin) => {
        this.#core.begun(begin);
        stream.more();
      },
      events: (events) => this.#read(stream, events),
      ended: ({ code, message }) =>
        this.#broke({ type: 'ended', code, message, retryable: errorCatalogue[code].retriable }),
      lost: () => this.#broke({ type: 'lost', reason: 'the connection broke' }),
    });
    this.#stream = stream;
    stream.open({ since, clusterId, kinds: planned.kinds }, cluster);
  }

  #read(stream: SimulatedStream, events: readonly WatchEvent[]): void {
    for (const event of events) {
      this.#options.counts.events++;
      for (const judge of this.#options.judges) judge.arrived(this, event);
      this.#take(event);
    }
    const { readingUs } = this.planned;
    if (readingUs === 0) stream.more();
    else this.process.schedule(readingUs, eventKinds.client, () => stream.more());
  }

  #take(event: WatchEvent): void {
    const { world, judges } = this.#options;
    const step = this.#core.take(event);
    if (step.type === 'fault') {
      world.fail('a watch keeps its promises', `${this.process.name}: ${step.reason} (design, "Running")`);
    }
    if (step.type !== 'give') return;
    this.#follow(step.event);
    for (const judge of judges) judge.given(this, step.event);
  }

  #follow(event: Exclude<WatchEvent, { kind: 'heartbeat' }>): void {
    const isWhole = this.planned.kinds === null;
    const hasState = this.#image.image !== null || event.kind.startsWith('state');
    if (!isWhole || !hasState) return;
    const taken = this.#image.take(event);
    if (!taken.ok)
      this.#options.world.fail('a watch can be followed', `${this.process.name}: ${taken.error}`);
  }

  #broke(reason: WatchBreak): void {
    this.#stream = null;
    this.#goOn(this.#core.broke(reason));
  }

  #goOn(decision: WatchDecision): void {
    const { world, counts } = this.#options;
    if (decision.type === 'connect') {
      this.process.schedule(decision.afterMs * 1000, eventKinds.client, () => this.#connect());
      return;
    }
    if (decision.code !== 'OFFSET_OUT_OF_RANGE') {
      world.fail('a watch goes on', `${this.process.name}: ${decision.code}: ${decision.message}`);
    }
    // Its program wanted to begin where the log no longer does, and makes do with the state.
    counts.restarts++;
    this.#core = this.#createCore(null);
    this.process.schedule(1, eventKinds.client, () => this.#connect());
  }
}
