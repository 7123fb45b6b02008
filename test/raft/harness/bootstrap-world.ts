import { assert, assertDefined } from '../../../src/base/assert.ts';
import { nodeId } from '../../../src/base/brands.ts';
import { seededRandom } from '../../../src/base/random.ts';
import {
  type Bootstrap,
  type BootstrapEffect,
  type BootstrapInput,
  createBootstrap,
  type StoredBootstrap,
} from '../../../src/raft/bootstrap/bootstrap.ts';
import type {
  BootstrapDescriptor,
  BootstrapMessage,
  FeatureRange,
} from '../../../src/raft/bootstrap/messages.ts';
import { type ReplicaKey, sameReplica } from '../../../src/raft/replica-key.ts';
import { keyOf, voterOf } from './host.ts';

type Timeless = BootstrapInput extends infer One
  ? One extends BootstrapInput
    ? Omit<One, 'nowMs'>
    : never
  : never;

type Member = {
  key: ReplicaKey;
  disk: number;
  stored: StoredBootstrap | null;
  machine: Bootstrap;
  writes: Extract<BootstrapEffect, { type: 'persist' }>[];
  outcome: 'voter' | 'observer' | null;
  starts: number;
};

type Flight = { readonly from: ReplicaKey; readonly to: number; readonly message: BootstrapMessage };

/** Unformatted nodes, with every delivery, write, crash and lost disk left to the test. */
export class BootstrapWorld {
  readonly members = new Map<number, Member>();
  flights: Flight[] = [];
  /** Descriptors that were durably started, and by which disk. */
  readonly started: { readonly key: ReplicaKey; readonly descriptor: BootstrapDescriptor }[] = [];
  readonly waiting = new Map<number, string>();
  /** What a node's software supports from its next start on. */
  readonly features = new Map<number, readonly FeatureRange[]>();
  #nowMs = 0;
  readonly #configured: (id: number) => readonly number[];

  constructor(ids: readonly number[], configured: (id: number) => readonly number[]) {
    this.#configured = configured;
    for (const id of ids) {
      const key = keyOf(id);
      const machine = this.#machine(key, null, 0);
      this.members.set(id, { key, disk: 0, stored: null, machine, writes: [], outcome: null, starts: 0 });
    }
  }

  wake(id: number): void {
    this.#nowMs += 200;
    this.input(id, { type: 'wake' });
  }

  deliver(index: number, isRepeated = false): void {
    const flight = assertDefined(this.flights[index], 'no such message');
    if (!isRepeated) this.flights.splice(index, 1);
    this.input(flight.to, { type: 'messageReceived', from: flight.from, message: flight.message });
  }

  completeWrite(id: number): void {
    const member = this.member(id);
    const write = member.writes.shift();
    if (write === undefined) return;
    member.stored = write.stored;
    if (write.stored.started) {
      this.started.push({ key: member.key, descriptor: write.stored.descriptor });
      this.#assertOneCluster();
    }
    this.input(id, { type: 'persisted' });
  }

  /** The process ends and begins again; messages on their way to it are gone with its connections. */
  restart(id: number): void {
    const member = this.member(id);
    member.starts += 1;
    member.writes = [];
    member.outcome = null;
    this.flights = this.flights.filter((flight) => flight.to !== id);
    member.machine = this.#machine(member.key, member.stored, member.starts);
    this.wake(id);
  }

  /** Comes back with an empty disk, and so as somebody else. */
  wipe(id: number): void {
    const member = this.member(id);
    member.disk += 1;
    member.key = keyOf(id, String.fromCharCode(97 + member.disk));
    member.stored = null;
    this.restart(id);
  }

  input(id: number, input: Timeless): void {
    const member = this.member(id);
    const { effects } = member.machine.step({ ...input, nowMs: this.#nowMs });
    for (const effect of effects) this.#carryOut(id, member, effect);
  }

  /** Delivers what is on its way to `id`. */
  deliverTo(id: number): void {
    this.deliverAllBut((flight) => flight.to !== id, false);
  }

  /** Delivers, and completes writes unless told not to, until only what is held back is left. */
  deliverAllBut(isHeldBack: (flight: Flight) => boolean, writes = true): void {
    for (let left = 200; left > 0; left--) {
      const index = this.flights.findIndex((flight) => !isHeldBack(flight));
      if (index < 0) return;
      this.deliver(index);
      for (const id of [2, 3]) while (writes && this.member(id).writes.length > 0) this.completeWrite(id);
    }
  }

  /** Everything is delivered and written until the nodes have nothing more to say. */
  settle(turns = 80): void {
    for (let turn = 0; turn < turns; turn++) {
      if (this.flights.length === 0 && [...this.members.values()].every(({ outcome }) => outcome !== null))
        return;
      for (const id of this.members.keys()) this.wake(id);
      for (let left = 500; left > 0; left--) {
        this.#completeWrites();
        if (this.flights.length === 0) break;
        this.deliver(0);
      }
    }
  }

  #completeWrites(): void {
    for (const [id, { writes }] of this.members) while (writes.length > 0) this.completeWrite(id);
  }

  member(id: number): Member {
    return assertDefined(this.members.get(id), `there is no node ${id}`);
  }

  /** Disks that still exist and are started. */
  startedClusters(): ReadonlySet<string> {
    const clusters = new Set<string>();
    for (const { stored } of this.members.values()) {
      if (stored?.started === true) clusters.add(stored.descriptor.clusterId);
    }
    return clusters;
  }

  #assertOneCluster(): void {
    const alive = this.started.filter(({ key }) =>
      [...this.members.values()].some((member) => sameReplica(member.key, key)),
    );
    const clusters = new Set(alive.map(({ descriptor }) => descriptor.clusterId));
    assert(clusters.size <= 1, `two clusters were started: ${[...clusters].join(' and ')}`);
  }

  #carryOut(id: number, member: Member, effect: BootstrapEffect): void {
    switch (effect.type) {
      case 'persist':
        assert(member.stored?.started !== true, 'a started descriptor is replaced');
        member.writes.push(effect);
        return;
      case 'send':
        this.#assertDurable(member, effect.message);
        if (this.members.has(effect.to)) {
          this.flights.push({ from: member.key, to: effect.to, message: effect.message });
        }
        return;
      case 'joined': {
        assert(member.outcome === null, 'an outcome comes once');
        assert(member.stored?.started === true, 'begins before it is durably started');
        const isVoter = effect.descriptor.voters.some((voter) => sameReplica(voter, member.key));
        member.outcome = isVoter ? 'voter' : 'observer';
        return;
      }
      case 'waiting':
        this.waiting.set(id, effect.reason);
    }
  }

  /** Invariant 5: nothing is said of a descriptor that is not on disk. */
  #assertDurable(member: Member, message: BootstrapMessage): void {
    const stored = member.stored?.descriptor ?? null;
    assert(
      message.descriptor === null || message.descriptor.clusterId === stored?.clusterId,
      `${message.type} of a descriptor that is not on disk`,
    );
  }

  #machine(key: ReplicaKey, stored: StoredBootstrap | null, starts: number): Bootstrap {
    const { endpoint, kraftVersions } = voterOf(key.id);
    return createBootstrap({
      local: key,
      endpoint,
      kraftVersions,
      features: this.features.get(key.id) ?? [],
      configuredVoterIds: this.#configured(key.id).map((id) => nodeId(id)),
      stored,
      random: seededRandom(key.id * 1000 + key.directoryId.charCodeAt(4) * 50 + starts),
    });
  }
}
