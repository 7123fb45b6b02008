import { assertDefined } from '../../../src/base/assert.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { LocalImageCore } from '../../../src/client/core/local-image-core.ts';
import { WatchCore } from '../../../src/client/core/watch-core.ts';
import type { MetadataImage } from '../../../src/metadata/image.ts';
import { builtInRegistry } from '../../../src/metadata/registry.ts';
import type { WatchEvent, WatchHandle } from '../../../src/runtime/watch/watch-api.ts';
import type { HostedNode } from '../../../src/testing/hosted-node.ts';
import { responseOf, TestBroker } from './brokers.ts';
import { codeOf, quickSettings, type Submitted, type TestRequest, TestQuorum } from './quorum.ts';

const pageSize = 100;

/**
 * A quorum whose leader has one batch under way at a time, so that a large transaction takes its time; and all who
 * look at it meanwhile: each node's state, pages that are read of each, and a copy that is kept by each one's watch.
 */
export class AtomicScene {
  readonly quorum: TestQuorum;
  /** Everything that anybody has seen, in as many words as there are sights. */
  readonly seen = new Set<string>();
  readonly #watchers: Watcher[];
  readonly #pages = new Map<HostedNode, Submitted>();
  /** How many topics the first page has, where there are any. */
  readonly #pageMax: number;
  readonly #sightOf: (image: MetadataImage) => string;
  readonly #sessionId: number;
  #sequence = 0;

  /** `sightOf` says of a state what is to be seen whole or not at all: `topics` of them, which come and go together. */
  constructor(topics: number, sightOf: (image: MetadataImage) => string) {
    this.#pageMax = Math.min(pageSize, topics);
    this.#sightOf = sightOf;
    this.quorum = TestQuorum.serving({
      settings: {
        raft: { ...quickSettings.raft, pendingProposalsMax: 2 },
        segmentBytes: 1024 * 1024,
        logRetentionBytes: 64 * 1024 * 1024,
        checkpointBytes: 64 * 1024 * 1024,
        brokerSessionTimeoutMs: 600_000,
      },
    });
    this.quorum.untilRegistered();
    new TestBroker(this.quorum, 1).heartbeat();
    const opened = this.quorum.call(this.quorum.leader(), 'openSession', {});
    this.#sessionId = Number(responseOf(opened)['sessionId']);
    this.#watchers = this.quorum.nodes.map((node) => new Watcher(node, (image) => this.#see(image)));
  }

  /** A write that succeeds whole, with nobody failing. */
  write(operationId: string, request: TestRequest): void {
    const submitted = this.quorum.submit(this.quorum.leader(), operationId, {
      ...request,
      timeoutMs: 60_000,
    });
    this.until(() => submitted.answers.length > 0, `${operationId} is answered`);
    const code = codeOf(submitted.answers[0]);
    if (code !== 'ok') throw new Error(`${operationId} is answered ${code}`);
    this.#settle();
  }

  /**
   * The same, under a key, by a client that asks again. Its first leader's process is killed once `records` of it are
   * in the log of another.
   */
  writeAcrossFailover(operationId: string, request: TestRequest, records: number): void {
    const idempotencyKey = { sessionId: this.#sessionId, sequence: this.#sequence++, forgetBelow: 0 };
    const leader = this.quorum.leader();
    const until = leader.status().logEndOffset + records;
    this.quorum.submit(leader, operationId, { ...request, idempotencyKey, timeoutMs: 60_000 });
    const others = this.quorum.followers();
    this.until(() => others.some((node) => node.status().logEndOffset >= until), 'half of it is written');
    this.quorum.kill(leader);
    for (const watcher of this.#watchers.filter(({ node }) => node === leader)) {
      watcher.goOnAt(assertDefined(others[0], 'there is another'));
    }
    this.until(() => others.some((node) => node.status().active), 'another leads');
    this.write(operationId, { ...request, idempotencyKey });
    this.quorum.start(leader);
    this.#settle();
  }

  /** As `TestQuorum.until`, with all looking on. */
  until(condition: () => boolean, what: string): void {
    const watched = (): boolean => {
      this.#look();
      return condition();
    };
    this.quorum.until(watched, what, 60_000);
  }

  /** The copies of those who watch have come as far as the controllers. */
  #settle(): void {
    this.quorum.settle();
    const end = this.quorum.leader().status().appliedOffset;
    this.until(() => this.#watchers.every(({ position }) => position === end), 'all have seen it');
  }

  #see(image: MetadataImage): void {
    this.seen.add(this.#sightOf(image));
  }

  #look(): void {
    for (const node of this.quorum.nodes) {
      const image = node.node?.image() ?? null;
      if (image !== null) this.#see(image);
      if (node.node !== null) this.#read(node);
    }
  }

  /** The first page of what there is, as one node has it, again and again. */
  #read(node: HostedNode): void {
    const [answer] = this.#pages.get(node)?.answers ?? [];
    if (answer?.result.ok === true) {
      const { topics } = responseOf(answer);
      const count = Array.isArray(topics) ? topics.length : Number.NaN;
      if (count !== 0 && count !== this.#pageMax) this.seen.add(`a page of ${count}`);
    }
    if (answer === undefined && this.#pages.has(node)) return;
    const query = { limit: pageSize };
    this.#pages.set(node, this.quorum.submit(node, 'listTopics', { query, consistency: 'stale' }));
  }
}

/** A copy of the state that a watch keeps, as a program's does. */
class Watcher {
  node: HostedNode;
  readonly #core: WatchCore;
  readonly #copy = new LocalImageCore(builtInRegistry);
  readonly #see: (image: MetadataImage) => void;

  constructor(node: HostedNode, see: (image: MetadataImage) => void) {
    this.node = node;
    this.#see = see;
    this.#core = new WatchCore({
      since: null,
      isFiltered: false,
      endpointCount: 1,
      firstEndpoint: 0,
      backoff: { baseMs: 1, maxMs: 1 },
      random: seededRandom(node.id),
    });
    this.#open();
  }

  get position(): number | null {
    return this.#core.position;
  }

  goOnAt(node: HostedNode): void {
    this.#core.broke({ type: 'lost', reason: 'its node has died' });
    this.node = node;
    this.#open();
  }

  #open(): void {
    const handle: WatchHandle | undefined = this.node.running.openWatch?.(
      { ...this.#core.request, kinds: null },
      {
        begun: (begin) => {
          this.#core.begun(begin);
          handle?.more();
        },
        events: (events) => {
          for (const event of events) this.#take(event);
          handle?.more();
        },
        ended: ({ code }) => {
          throw new Error(`a watch ended: ${code}`);
        },
      },
    );
  }

  #take(event: WatchEvent): void {
    const step = this.#core.take(event);
    if (step.type === 'fault') throw new Error(step.reason);
    if (step.type === 'skip') return;
    const taken = this.#copy.take(step.event);
    if (!taken.ok) throw new Error(taken.error);
    const { image } = this.#copy;
    if (image !== null) this.#see(image);
  }
}
