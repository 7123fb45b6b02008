import { assert } from '../../base/assert.ts';
import type { NodeId, Uuid } from '../../base/brands.ts';
import type { Random } from '../../base/random.ts';
import { randomUuid } from '../../base/uuid.ts';
import { type Endpoint, type ReplicaKey, sameReplica, type VersionRange } from '../replica-key.ts';
import { holdsReplica, isProposerOf, sameDescriptor, sameIds, voterIds } from './descriptor.ts';
import { findDisagreement, foundingLevels, supportsLevels } from './founding-levels.ts';
import type { BootstrapDescriptor, BootstrapMessage, FeatureRange } from './messages.ts';

/**
 * How unformatted controllers agree on what their cluster is born with, before any epoch exists (design 7).
 *
 * The lowest configured id proposes. It waits until it has heard every configured voter since this process
 * began, none of them started, and all with the same configured voters; it persists a descriptor that names
 * their directories; each accepts by persisting it, too; when all have, the proposer persists `started`, and
 * only then tells anyone. A voter that hears of it persists `started` as well.
 *
 * Invariants
 * 1. A node persists `started` at most once, and a started node never replaces its descriptor.
 * 2. A descriptor is started only after every voter that it names, under the directory that it names, has
 *    held it on disk.
 * 3. Of all descriptors at most one can ever have a majority of started voters. A proposer replaces a
 *    descriptor only while it is not started itself, so before it has told anyone to start; another one with
 *    the same proposer id can come only from a proposer whose disk is gone, and that proposer's key is in no
 *    majority any more. So two majorities, m of the n - 1 remaining voters and at least m - 1 of the same
 *    n - 1, have a voter in common (2m - 1 > n - 1), and by 1 that voter started one of them.
 *    Nor does a late word of that lost proposer start a minority beside the new cluster: who has left a
 *    descriptor neither holds it again nor believes its proposer, unless that still has its disk. Memory is
 *    enough for this, and only for a while: late words die with the connections they came by.
 * 4. A lost, late or repeated message delays and does nothing else: everything is sent again at every tick,
 *    and what a message claims is compared with what is on disk here.
 * 5. Nothing is sent that claims more than what is on disk.
 * 6. A descriptor names levels of features that each of its voters supported when it accepted.
 */
export type Bootstrap = {
  step(input: BootstrapInput): {
    readonly effects: readonly BootstrapEffect[];
    readonly nextWakeAtMs: number;
  };
  /** What is on disk. */
  readonly stored: StoredBootstrap | null;
};

export type StoredBootstrap = { readonly descriptor: BootstrapDescriptor; readonly started: boolean };

export type BootstrapInput = { readonly nowMs: number } & (
  | { readonly type: 'wake' }
  | { readonly type: 'messageReceived'; readonly from: ReplicaKey; readonly message: BootstrapMessage }
  /** The latest `persist` is on disk. */
  | { readonly type: 'persisted' }
);

export type BootstrapEffect =
  | { readonly type: 'persist'; readonly stored: StoredBootstrap }
  | { readonly type: 'send'; readonly to: NodeId; readonly message: BootstrapMessage }
  /** The descriptor is started and on disk here. Given once. */
  | { readonly type: 'joined'; readonly descriptor: BootstrapDescriptor }
  /** Why nothing goes on, for people; given when the reason changes. */
  | { readonly type: 'waiting'; readonly reason: string };

export type BootstrapOptions = {
  readonly local: ReplicaKey;
  readonly endpoint: Endpoint;
  readonly kraftVersions: VersionRange;
  /** The levels of each feature that this node supports. */
  readonly features: readonly FeatureRange[];
  readonly configuredVoterIds: readonly NodeId[];
  readonly stored: StoredBootstrap | null;
  readonly random: Random;
};

/** How often everything is said again, in ms. */
const tickMs = 100;

type LeftCluster = { readonly clusterId: Uuid; readonly leftMs: number };

/** No word of a process that has ended is later than that, in ms. */
const lateMs = 30_000;

/** More descriptors than that are not left before a cluster is born. */
const leftMax = 64;

/** Ticks after which a descriptor that not all voters accept is replaced by another one of the same voters. */
const proposalsMax = 50;

type Hello = Extract<BootstrapMessage, { type: 'bootstrapHello' }>;

export function createBootstrap(options: BootstrapOptions): Bootstrap {
  return new BootstrapMachine(options);
}

class BootstrapMachine implements Bootstrap {
  readonly #options: BootstrapOptions;
  readonly #peers: readonly NodeId[];
  readonly #isProposer: boolean;
  #stored: StoredBootstrap | null;
  /** Handed out to be persisted and not confirmed yet; nothing else is decided meanwhile. */
  #persisting: StoredBootstrap | null = null;
  /** What configured voters have said since this process began. */
  readonly #heard = new Map<NodeId, Hello>();
  /** Who has accepted the stored descriptor. */
  #accepted = new Set<NodeId>();
  /** How often the stored descriptor was proposed. */
  #proposals = 0;
  /** Clusters whose descriptor this process has held and left (invariant 3). */
  #left: readonly LeftCluster[] = [];
  #nowMs = 0;
  #hasJoined = false;
  #reason = '';
  #nextTickMs = 0;
  #effects: BootstrapEffect[] = [];

  constructor(options: BootstrapOptions) {
    const { local, configuredVoterIds } = options;
    assert(configuredVoterIds.length > 0, 'a quorum has voters');
    this.#options = options;
    this.#stored = options.stored;
    this.#peers = configuredVoterIds.filter((id) => id !== local.id);
    this.#isProposer =
      configuredVoterIds.every((id) => id >= local.id) && configuredVoterIds.includes(local.id);
  }

  get stored(): StoredBootstrap | null {
    return this.#stored;
  }

  step(input: BootstrapInput): {
    readonly effects: readonly BootstrapEffect[];
    readonly nextWakeAtMs: number;
  } {
    this.#effects = [];
    this.#nowMs = input.nowMs;
    if (input.type === 'persisted') this.#persisted();
    else if (input.type === 'messageReceived') this.#received(input.from, input.message);
    this.#decide();
    if (input.nowMs >= this.#nextTickMs) this.#tick(input.nowMs);
    return {
      effects: this.#effects,
      nextWakeAtMs: this.#isStarted() ? Number.POSITIVE_INFINITY : this.#nextTickMs,
    };
  }

  #isStarted(): boolean {
    return this.#stored?.started ?? false;
  }

  #persist(stored: StoredBootstrap): void {
    assert(this.#persisting === null, 'one write at a time');
    assert(!this.#isStarted(), 'a started node never replaces its descriptor');
    this.#persisting = stored;
    this.#effects.push({ type: 'persist', stored });
  }

  #persisted(): void {
    assert(this.#persisting !== null, 'nothing was being persisted');
    const before = this.#stored;
    this.#stored = this.#persisting;
    this.#persisting = null;
    const { descriptor, started } = this.#stored;
    if (before === null || !sameDescriptor(before.descriptor, descriptor)) {
      this.#accepted = new Set();
      this.#proposals = 0;
      if (before !== null) this.#leave(before.descriptor.clusterId);
    }
    if (!started && !this.#isProposer) this.#sendAccepted(descriptor);
    if (started && this.#isProposer) {
      for (const to of this.#peers) this.#send(to, { type: 'bootstrapStart', descriptor });
    }
  }

  #leave(clusterId: Uuid): void {
    this.#left = [...this.#left, { clusterId, leftMs: this.#nowMs }].slice(-leftMax);
  }

  #hasLeft({ clusterId }: BootstrapDescriptor): boolean {
    return this.#left.some((left) => left.clusterId === clusterId && this.#nowMs - left.leftMs < lateMs);
  }

  #received(from: ReplicaKey, message: BootstrapMessage): void {
    switch (message.type) {
      case 'bootstrapHello':
        this.#receivedHello(from, message);
        return;
      case 'bootstrapPropose':
        this.#receivedProposal(from, message.descriptor);
        return;
      case 'bootstrapAccepted':
        this.#receivedAcceptance(from, message.descriptor);
        return;
      case 'bootstrapStart':
        this.#receivedStart(message.descriptor);
        return;
    }
  }

  #receivedHello(from: ReplicaKey, hello: Hello): void {
    if (!sameReplica(from, hello.replica)) return;
    if (hello.state === 'started') {
      this.#adopt(hello);
      return;
    }
    if (this.#isStarted()) this.#send(from.id, this.#hello());
    else if (this.#peers.includes(from.id)) this.#heard.set(from.id, hello);
  }

  /** A started voter is proof that its descriptor is the cluster's; whoever is not in it observes. */
  #adopt({ replica, descriptor }: Hello): void {
    if (descriptor === null || this.#isStarted() || this.#persisting !== null) return;
    if (!holdsReplica(descriptor, replica)) return;
    if (this.#hasLeft(descriptor) && isProposerOf(descriptor, replica)) {
      const held = this.#stored?.descriptor ?? null;
      if (held !== null && !isProposerOf(held, replica)) return;
    }
    this.#persist({ descriptor, started: true });
  }

  #receivedProposal(from: ReplicaKey, descriptor: BootstrapDescriptor): void {
    if (this.#isStarted()) {
      this.#send(from.id, this.#hello());
      return;
    }
    if (this.#persisting !== null || this.#isProposer) return;
    const { configuredVoterIds, local } = this.#options;
    if (!sameIds(voterIds(descriptor), configuredVoterIds)) {
      this.#wait(
        `node ${from.id} proposes voters ${voterIds(descriptor).join(', ')}, configured are ${configuredVoterIds.join(', ')}`,
      );
      return;
    }
    if (!holdsReplica(descriptor, local) || !isProposerOf(descriptor, from)) return;
    if (this.#hasLeft(descriptor)) return;
    // Its software was replaced by an earlier one since it said what it supports; the proposer hears of that.
    if (!supportsLevels(this.#options.features, descriptor.featureLevels)) return;
    if (this.#stored !== null && sameDescriptor(this.#stored.descriptor, descriptor))
      this.#sendAccepted(descriptor);
    else this.#persist({ descriptor, started: false });
  }

  #receivedAcceptance(from: ReplicaKey, descriptor: BootstrapDescriptor): void {
    if (!this.#isProposer || this.#stored === null || this.#isStarted()) return;
    if (!sameDescriptor(descriptor, this.#stored.descriptor)) return;
    if (holdsReplica(descriptor, from)) this.#accepted.add(from.id);
  }

  #receivedStart(descriptor: BootstrapDescriptor): void {
    if (this.#stored === null || this.#isStarted() || this.#persisting !== null) return;
    if (sameDescriptor(descriptor, this.#stored.descriptor)) this.#persist({ descriptor, started: true });
  }

  #decide(): void {
    if (this.#persisting !== null) return;
    if (this.#isStarted()) this.#join();
    else if (this.#isProposer) this.#propose();
  }

  #join(): void {
    if (this.#hasJoined || this.#stored === null) return;
    this.#hasJoined = true;
    this.#effects.push({ type: 'joined', descriptor: this.#stored.descriptor });
  }

  #propose(): void {
    const { configuredVoterIds } = this.#options;
    const missing = this.#peers.filter((id) => !this.#heard.has(id));
    if (missing.length > 0) {
      this.#wait(`the first start needs all configured voters; not heard from yet: ${missing.join(', ')}`);
      return;
    }
    for (const [id, hello] of this.#heard) {
      if (sameIds(hello.configuredVoterIds, configuredVoterIds)) continue;
      this.#wait(
        `node ${id} is configured with voters ${hello.configuredVoterIds.join(', ')}, this one with ${configuredVoterIds.join(', ')}`,
      );
      return;
    }
    const disagreement = findDisagreement(this.#rangesOfVoters());
    if (disagreement !== null) {
      this.#wait(`no level of ${disagreement} is supported by all configured voters`);
      return;
    }
    const isStale = this.#stored === null || !this.#isCurrent(this.#stored.descriptor);
    // Whoever is there and still does not accept has left it: only another one can go on.
    if (this.#stored === null || isStale || this.#proposals > proposalsMax) {
      this.#persist({ descriptor: this.#newDescriptor(), started: false });
    } else if (this.#peers.every((id) => this.#accepted.has(id))) {
      this.#persist({ descriptor: this.#stored.descriptor, started: true });
    }
  }

  #rangesOfVoters(): readonly (readonly FeatureRange[])[] {
    return [this.#options.features, ...[...this.#heard.values()].map((hello) => hello.features)];
  }

  /** It names the directories that the voters have now, and levels that their software supports. */
  #isCurrent(descriptor: BootstrapDescriptor): boolean {
    const { configuredVoterIds, local } = this.#options;
    if (!sameIds(voterIds(descriptor), configuredVoterIds)) return false;
    if (!holdsReplica(descriptor, local)) return false;
    const { featureLevels } = descriptor;
    if (!this.#rangesOfVoters().every((features) => supportsLevels(features, featureLevels))) return false;
    return [...this.#heard.values()].every((hello) => holdsReplica(descriptor, hello.replica));
  }

  #newDescriptor(): BootstrapDescriptor {
    const { local, endpoint, kraftVersions, random } = this.#options;
    const others = [...this.#heard.values()].map((hello) => ({
      ...hello.replica,
      endpoint: hello.endpoint,
      kraftVersions: hello.kraftVersions,
    }));
    const voters = [{ ...local, endpoint, kraftVersions }, ...others];
    return {
      clusterId: randomUuid(random),
      voters: voters.sort((left, right) => left.id - right.id),
      featureLevels: foundingLevels(this.#rangesOfVoters()),
    };
  }

  #tick(nowMs: number): void {
    this.#nextTickMs = nowMs + tickMs + this.#options.random.integer(tickMs / 2);
    if (this.#isStarted()) return;
    this.#proposals += 1;
    const hello = this.#hello();
    for (const to of this.#peers) {
      this.#send(to, hello);
      const isDue =
        this.#isProposer && this.#stored !== null && !this.#accepted.has(to) && this.#heard.has(to);
      if (isDue && this.#stored !== null) {
        this.#send(to, { type: 'bootstrapPropose', descriptor: this.#stored.descriptor });
      }
    }
  }

  #hello(): Hello {
    const { local, endpoint, kraftVersions, features, configuredVoterIds } = this.#options;
    return {
      type: 'bootstrapHello',
      replica: local,
      endpoint,
      kraftVersions,
      configuredVoterIds,
      state: this.#stored === null ? 'unformatted' : this.#stored.started ? 'started' : 'formatted',
      descriptor: this.#stored?.descriptor ?? null,
      features,
    };
  }

  #sendAccepted(descriptor: BootstrapDescriptor): void {
    const proposer = Math.min(...voterIds(descriptor)) as NodeId;
    this.#send(proposer, { type: 'bootstrapAccepted', replica: this.#options.local, descriptor });
  }

  #send(to: NodeId, message: BootstrapMessage): void {
    this.#effects.push({ type: 'send', to, message });
  }

  #wait(reason: string): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#effects.push({ type: 'waiting', reason });
  }
}
