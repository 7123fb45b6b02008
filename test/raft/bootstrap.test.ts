import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { seededRandom } from '../../src/base/random.ts';
import { BootstrapWorld } from './harness/bootstrap-world.ts';
import { keyOf, voterOf } from './harness/host.ts';
import type { FeatureRange } from '../../src/raft/bootstrap/messages.ts';

const three = (): readonly number[] => [1, 2, 3];

/** Node 1 has heard of the others, has its descriptor on disk, and proposes it. */
function propose(world: BootstrapWorld): void {
  for (const id of [2, 3]) world.wake(id);
  world.deliverTo(1);
  world.completeWrite(1);
  world.wake(1);
}

function outcomes(world: BootstrapWorld): readonly (string | null)[] {
  return [...world.members.values()].map((member) => member.outcome);
}

function feature(name: string, min: number, max: number): FeatureRange {
  return { name, min, max };
}

describe('bootstrap', () => {
  it('starts a single configured voter at once', () => {
    const world = new BootstrapWorld([1], () => [1]);
    world.wake(1);
    world.completeWrite(1);
    world.completeWrite(1);
    expect(outcomes(world)).toEqual(['voter']);
  });

  it('starts all configured voters by one descriptor that names their directories', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    world.settle();
    expect(outcomes(world)).toEqual(['voter', 'voter', 'voter']);
    expect(world.startedClusters().size).toBe(1);
    expect(world.member(3).machine.stored?.descriptor?.voters).toEqual([voterOf(1), voterOf(2), voterOf(3)]);
  });

  it('waits while one configured voter is missing', () => {
    const world = new BootstrapWorld([1, 2], three);
    world.settle();
    expect(world.started).toEqual([]);
  });

  it('starts again from its disk without anybody else', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    world.settle();
    world.restart(2);
    expect(world.member(2).outcome).toBe('voter');
  });

  it('says nothing by itself once it is started', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    world.settle();
    world.flights = [];
    for (let turn = 0; turn < 5; turn++) world.wake(2);
    expect(world.flights).toEqual([]);
  });

  it('persists the start itself when it hears of it, and not only the descriptor once more', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    propose(world);
    world.deliverAllBut(() => false);
    world.completeWrite(1);
    const started = world.flights.findIndex(
      ({ to, message }) => to === 2 && message.type === 'bootstrapStart',
    );
    world.deliver(started);
    expect(world.member(2).writes.map((write) => write.stored.started)).toEqual([true]);
  });

  it('makes an observer of a node that is not among the configured', () => {
    const world = new BootstrapWorld([1, 2, 3, 4], three);
    world.settle();
    expect(outcomes(world)).toEqual(['voter', 'voter', 'voter', 'observer']);
  });

  it('makes an observer of a voter that comes back with an empty disk, proposer or not', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    world.settle();
    world.wipe(1);
    world.wipe(3);
    world.settle();
    expect(outcomes(world)).toEqual(['observer', 'voter', 'observer']);
    expect(world.startedClusters().size).toBe(1);
  });

  it('makes a new descriptor when a member loses its disk before the start', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    world.wake(2);
    world.wake(3);
    while (world.flights.some((flight) => flight.to === 1)) {
      world.deliver(world.flights.findIndex((flight) => flight.to === 1));
    }
    world.completeWrite(1);
    expect(world.member(1).stored?.started).toBe(false);
    world.wipe(3);
    // At once, and not after so many proposals that nobody accepts.
    world.settle(10);
    expect(outcomes(world)).toEqual(['voter', 'voter', 'voter']);
    expect(world.member(1).machine.stored?.descriptor?.voters[2]?.directoryId).toBe(
      keyOf(3, 'b').directoryId,
    );
  });

  it('names in its descriptor the newest level of each feature that all its voters support', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    world.features.set(1, [feature('a', 1, 4), feature('b', 0, 1)]);
    world.features.set(2, [feature('a', 2, 3)]);
    world.features.set(3, [feature('a', 1, 9), feature('b', 0, 1)]);
    for (const id of [1, 2, 3]) world.restart(id);
    world.settle();
    expect(outcomes(world)).toEqual(['voter', 'voter', 'voter']);
    // Node 2 names no b: whoever does not name one knows its beginning.
    for (const id of [1, 2, 3]) {
      expect(world.member(id).machine.stored?.descriptor.featureLevels).toEqual([{ name: 'a', level: 3 }]);
    }
  });

  it('waits while its voters have no level of a feature in common, and says which', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    for (const id of [1, 2]) world.features.set(id, [feature('a', 1, 1)]);
    world.features.set(3, [feature('a', 2, 3)]);
    for (const id of [1, 2, 3]) world.restart(id);
    world.settle(20);
    expect(world.waiting.get(1)).toBe('no level of a is supported by all configured voters');
    expect(world.started).toEqual([]);
    world.features.set(3, [feature('a', 1, 3)]);
    world.restart(3);
    world.settle();
    expect(world.member(3).machine.stored?.descriptor.featureLevels).toEqual([{ name: 'a', level: 1 }]);
  });

  it('makes a new descriptor when a member supports less by now than the one before says', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    for (const id of [1, 2, 3]) {
      world.features.set(id, [feature('a', 1, 2)]);
      world.restart(id);
    }
    while (world.flights.some((flight) => flight.to === 1)) {
      world.deliver(world.flights.findIndex((flight) => flight.to === 1));
    }
    world.completeWrite(1);
    expect(world.member(1).stored?.descriptor.featureLevels).toEqual([{ name: 'a', level: 2 }]);
    world.features.set(3, [feature('a', 1, 1)]);
    world.restart(3);
    // A proposal that is on its way is not accepted.
    world.wake(1);
    const proposal = world.flights.findIndex(
      ({ to, message }) => to === 3 && message.type === 'bootstrapPropose',
    );
    world.deliver(proposal);
    expect(world.member(3).writes).toEqual([]);
    world.settle();
    expect(outcomes(world)).toEqual(['voter', 'voter', 'voter']);
    expect(world.member(3).machine.stored?.descriptor.featureLevels).toEqual([{ name: 'a', level: 1 }]);
  });

  it('does not start nodes that are configured with different voters', () => {
    const world = new BootstrapWorld([1, 2, 3], (id) => (id === 3 ? [2, 3] : [1, 2, 3]));
    world.settle();
    expect(world.started).toEqual([]);
  });

  it('believes nobody who claims to be started and shows no descriptor', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    world.wake(2);
    const hello = world.flights.find(({ message }) => message.type === 'bootstrapHello');
    assert(hello?.message.type === 'bootstrapHello', 'node 2 says hello');
    world.flights = [{ ...hello, message: { ...hello.message, state: 'started', descriptor: null } }];
    world.deliver(0);
    expect(world.member(hello.to).writes).toEqual([]);
  });

  it('learns from any started voter that its descriptor is started, when it missed the word', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    world.settle();
    const descriptor = world.member(2).machine.stored?.descriptor;
    assert(descriptor !== undefined, 'node 2 has started');
    world.member(2).stored = { descriptor, started: false };
    world.restart(2);
    expect(world.member(2).outcome).toBeNull();
    world.settle(2);
    expect(world.member(2).outcome).toBe('voter');
  });

  it('does not let late words of a proposer whose disk is gone start a second cluster', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    propose(world);
    // The first proposal is heard, and once more much later.
    const late = world.flights.filter(({ message }) => message.type === 'bootstrapPropose');
    world.deliverAllBut(() => false);
    expect(world.member(1).writes.map((write) => write.stored.started)).toEqual([true]);
    world.completeWrite(1);
    late.push(...world.flights.filter(({ message }) => message.type === 'bootstrapStart'));
    expect(late.map(({ message }) => message.type)).toContain('bootstrapStart');
    world.flights = [];
    world.wipe(1);
    for (const id of [1, 2, 3]) world.wake(id);
    world.deliverTo(1);
    world.completeWrite(1);
    world.wake(1);
    world.deliverAllBut(({ message }) => message.type === 'bootstrapAccepted');
    const foundedAgain = world.member(2).machine.stored?.descriptor.voters[0]?.directoryId;
    expect(foundedAgain).toBe(keyOf(1, 'b').directoryId);
    const accepted = world.flights;
    world.flights = late.filter((flight) => flight.to === 2);
    world.deliverAllBut(() => false);
    world.flights = accepted;
    world.settle();
    expect(world.startedClusters().size).toBe(1);
  });

  it('believes the proposer that the descriptor is started which was left for an older one of its own', () => {
    const world = new BootstrapWorld([1, 2, 3], three);
    propose(world);
    const late = world.flights.filter(({ to, message }) => to === 2 && message.type === 'bootstrapPropose');
    expect(late).toHaveLength(1);
    world.flights = [];
    // Another disk asks for another descriptor, and all of them accept that.
    world.wipe(3);
    world.deliverTo(1);
    world.flights = [];
    world.completeWrite(1);
    world.wake(1);
    world.deliverAllBut(() => false);
    const started = world.member(1).writes[0]?.stored;
    expect(started?.started).toBe(true);
    // The first proposal comes only now, so that the word of the start means nothing to node 2.
    world.flights = [...late];
    world.deliverAllBut(() => false);
    expect(world.member(2).stored?.descriptor).not.toEqual(started?.descriptor);
    world.completeWrite(1);
    world.deliverAllBut(() => false);
    expect(world.member(2).stored?.started).toBe(false);
    world.wake(2);
    world.deliverAllBut(({ to }) => to === 3);
    expect(world.member(2).stored).toEqual(started);
  });

  it('never starts two clusters, in every order of the first steps of two nodes with crashes and a lost disk', () => {
    const explored = exploreAll(7);
    expect(explored.schedules).toBeGreaterThan(5000);
    expect(explored.started).toBeGreaterThan(0);
  });

  it('never starts two clusters and always starts one in the end, in random orders with crashes and lost disks', () => {
    let wiped = 0;
    for (let seed = 1; seed <= 2000; seed++) wiped += runRandomly(seed);
    expect(wiped).toBeGreaterThan(100);
  });
});

/** Every order of deliveries, writes, wake-ups, crashes and one lost disk, up to `depth` steps, by replay. */
function exploreAll(depth: number): { readonly schedules: number; readonly started: number } {
  let schedules = 0;
  let started = 0;
  const visit = (path: readonly number[]): void => {
    const world = new BootstrapWorld([1, 2], () => [1, 2]);
    // The first hellos of both are always the same, so that all the depth goes into what follows.
    world.wake(2);
    world.deliver(0);
    world.completeWrite(1);
    world.wake(1);
    const wipes = { left: 1 };
    for (const choice of path) choicesOf(world, wipes)[choice]?.();
    schedules += 1;
    if (world.started.length > 0) started += 1;
    if (path.length === depth) return;
    const count = choicesOf(world, wipes).length;
    for (let choice = 0; choice < count; choice++) visit([...path, choice]);
  };
  visit([]);
  return { schedules, started };
}

function choicesOf(world: BootstrapWorld, wipes: { left: number }): readonly (() => void)[] {
  const choices: (() => void)[] = [];
  // Only the oldest message of each link: links keep their order, and repetitions come by waking.
  const seen = new Set<string>();
  for (const [index, flight] of world.flights.entries()) {
    const link = `${flight.from.directoryId}>${flight.to}>${flight.message.type}`;
    if (!seen.has(link)) choices.push(() => world.deliver(index));
    seen.add(link);
  }
  for (const [id, member] of world.members) {
    if (member.writes.length === 0) continue;
    choices.push(() => world.completeWrite(id));
    choices.push(() => world.restart(id));
  }
  if (world.flights.length < 3) choices.push(() => world.wake(1));
  if (wipes.left > 0) {
    choices.push(() => {
      wipes.left -= 1;
      world.wipe(1);
    });
  }
  return choices;
}

function runRandomly(seed: number): number {
  const random = seededRandom(seed);
  const world = new BootstrapWorld([1, 2, 3], three);
  // A majority of disks must outlive the bootstrap, or nobody could know of it.
  let wipesLeft = random.integer(2);
  let wiped = 0;
  for (let step = 0; step < 120; step++) {
    const id = 1 + random.integer(3);
    const what = random.integer(100);
    if (what < 50 && world.flights.length > 0) {
      world.deliver(random.integer(world.flights.length), random.chance(1, 10));
    } else if (what < 75) world.completeWrite(id);
    else if (what < 92) world.wake(id);
    else if (what < 97) world.restart(id);
    else if (wipesLeft > 0) {
      wipesLeft -= 1;
      wiped += 1;
      world.wipe(id);
    }
  }
  world.settle();
  assert(world.startedClusters().size === 1, `seed ${seed}: ${world.startedClusters().size} clusters`);
  const pending = [...world.members.values()].some((member) => member.outcome === null);
  assert(!pending, `seed ${seed}: somebody still waits`);
  return wiped;
}
