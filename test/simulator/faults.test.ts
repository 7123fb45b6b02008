import { describe, expect, it } from 'vitest';
import { nodeId } from '../../src/base/brands.ts';
import { eventKinds } from '../../src/testing/world/event-kinds.ts';
import { budgetNames, budgets, damagingKinds, faultKinds } from '../../simulator/faults/budget.ts';
import { CrashPoint } from '../../simulator/faults/crash-point.ts';
import type { Fault, FaultKind } from '../../simulator/faults/fault.ts';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { RunConfig } from '../../simulator/faults/schedule.ts';
import { runSchedule, type RunReport } from '../../simulator/run.ts';
import { sameValue } from '../../simulator/same-value.ts';
import { type HostName, hostNames, hosts } from '../../simulator/saved-run.ts';
import { World } from '../../simulator/world.ts';
import type { SimulatedProcess } from '../../src/testing/world/process.ts';

const calm: RunConfig = {
  ...generateSchedule(1).config,
  nodes: 3,
  spares: 1,
  budget: 'minority damaged',
  durationUs: 6_000_000,
  link: { lossPerMille: 0, duplicatePerMille: 0, delayUs: 60, jitterUs: 60, isOrdered: true },
  driftPpm: [0, 0, 0],
  recordsBetweenSnapshots: 50,
};

function runWith(
  faults: readonly Fault[],
  config: Partial<RunConfig> = {},
  host: HostName = 'bare',
): RunReport {
  const operations = Array.from(
    { length: 100 },
    (_, at) =>
      ({ atUs: 2_000_000 + at * 35_000, client: 0, kind: 'write', key: at % 3, padding: 8 }) as const,
  );
  const schedule = {
    seed: 11,
    config: { ...calm, ...config },
    faults,
    operations,
    calls: [],
    brokers: null,
    groups: null,
    watchers: [],
  };
  return runSchedule({ schedule, host: hosts[host] });
}

const atUs = 3_000_000;
const forUs = 700_000;
const target = 'leader';

/** One of each kind, in the middle of a run that has committed something. */
const examples: { readonly [Kind in FaultKind]: Extract<Fault, { kind: Kind }> } = {
  crash: { kind: 'crash', atUs, target, power: true, downUs: forUs },
  crashAll: { kind: 'crashAll', atUs, power: true, downUs: forUs },
  crashBetweenEffects: { kind: 'crashBetweenEffects', atUs, target, calls: 3, power: true, downUs: forUs },
  stop: { kind: 'stop', atUs, target, downUs: forUs },
  rollingRestart: { kind: 'rollingRestart', atUs, downUs: 100_000, gapUs: 300_000 },
  pause: { kind: 'pause', atUs, target, forUs },
  stall: { kind: 'stall', atUs, target, forUs },
  isolate: { kind: 'isolate', atUs, target, direction: 'in', forUs },
  split: { kind: 'split', atUs, side: 1, forUs },
  bridge: { kind: 'bridge', atUs, target: 0, side: 2, forUs },
  cutPair: { kind: 'cutPair', atUs, from: 0, to: 1, isOneWay: true, forUs },
  flap: { kind: 'flap', atUs, target, periodUs: 50_000, forUs },
  reset: { kind: 'reset', atUs, target },
  clog: { kind: 'clog', atUs, target, direction: 'both', factor: 500, forUs },
  storm: { kind: 'storm', atUs, lossPerMille: 500, duplicatePerMille: 300, forUs },
  slowDisk: { kind: 'slowDisk', atUs, target, factor: 100, forUs },
  stallDisk: { kind: 'stallDisk', atUs, target, forUs },
  failDisk: { kind: 'failDisk', atUs, target, operation: 'fdatasync' },
  fullDisk: { kind: 'fullDisk', atUs, target, forUs },
  lowDisk: { kind: 'lowDisk', atUs, target, forUs },
  rot: { kind: 'rot', atUs, target, choice: 17, downUs: forUs },
  misdirect: { kind: 'misdirect', atUs, target, choice: 3 },
  wipe: { kind: 'wipe', atUs, target, downUs: forUs },
  wallJump: { kind: 'wallJump', atUs, target, byMs: -3_600_000 },
  drift: { kind: 'drift', atUs, target, ppm: 20_000 },
  suspend: { kind: 'suspend', atUs, target, forUs },
  addVoter: { kind: 'addVoter', atUs, target: 3 },
  removeVoter: { kind: 'removeVoter', atUs, target },
  upgrade: { kind: 'upgrade', atUs, target, downUs: forUs },
  finalize: { kind: 'finalize', atUs },
};

describe('a fault', () => {
  it.each(faultKinds)('takes place, and a quorum survives it: %s', (kind) => {
    const report = runWith([examples[kind]]);
    expect(report.violation?.message ?? null).toBeNull();
    expect(report.faults[kind]).toBe(1);
    expect(report.outcomes.written).toBeGreaterThan(10);
  });

  it('between two effects ends a life in the middle of a step', () => {
    const digests = [1, 2, 3, 4, 5, 6].map(
      (calls) => runWith([{ ...examples.crashBetweenEffects, calls }]).digest,
    );
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('a rolling upgrade', () => {
  const all = { olderNodes: [0, 1, 2] };
  const tooEarly: Fault = { kind: 'finalize', atUs: 1_500_000 };
  const upgrades = [0, 1, 2].map(
    (place): Fault => ({ ...examples.upgrade, target: place, atUs: atUs + place * 400_000, downUs: 100_000 }),
  );

  it.each(hostNames)('ends with what the newer release brings in force: %s', (host) => {
    const finalize: Fault = { kind: 'finalize', atUs: atUs + 2_000_000 };
    const report = runWith([tooEarly, ...upgrades, finalize], all, host);
    expect(report.violation?.message ?? null).toBeNull();
    expect(report.faults['upgrade']).toBe(3);
    expect(report.coverage.get('kraft.version: the log takes its first voter set')).toBe(1);
    expect(report.outcomes.written).toBeGreaterThan(50);
  });

  it.each(['oldest', 'between'] as const)('waits for the last node of the release %s', (olderRelease) => {
    const report = runWith([tooEarly], { olderNodes: [2], olderRelease }, 'node');
    expect(report.violation?.message ?? null).toBeNull();
    expect(report.faults['finalize']).toBe(1);
  });

  it('has an older observer stop by itself before it shows what it does not support', () => {
    const late: Fault = { ...examples.upgrade, target: 3, atUs: atUs + 2_000_000 };
    const report = runWith([late], { olderNodes: [3], olderRelease: 'between' }, 'node');
    expect(report.violation?.message ?? null).toBeNull();
    expect(report.marks.get('boot')).toBeGreaterThan(8);
  });
});

describe('a quorum of two releases', () => {
  it('founds its log by the older one, and changes no voters', () => {
    const { removeVoter, upgrade } = examples;
    const faults = [upgrade, { ...removeVoter, atUs: atUs + 1_000_000 }];
    const report = runWith(faults, { olderNodes: [2] });
    expect(report.violation?.message ?? null).toBeNull();
    expect(report.marks.get('voter change: UNSUPPORTED_VERSION')).toBeGreaterThan(0);
    expect(report.marks.get('voter change: made')).toBeUndefined();
  });

  it('has no part in it for an older observer, which stops by itself until it is upgraded', () => {
    const report = runWith([{ ...examples.upgrade, target: 3, atUs: atUs + 2_000_000 }], { olderNodes: [3] });
    expect(report.violation?.message ?? null).toBeNull();
    // Its supervisor has started it over and over.
    expect(report.marks.get('boot')).toBeGreaterThan(8);
  });
});

describe('a budget', () => {
  it.each(budgetNames)('holds over its own seeds, and the report says which it was: %s', (name) => {
    const seeds = Array.from({ length: 400 }, (_, at) => at + 1);
    const own = seeds.filter((seed) => generateSchedule(seed).config.budget === name).slice(0, 3);
    expect(own.length).toBe(3);
    for (const seed of own) {
      const report = runSchedule({ schedule: generateSchedule(seed), host: hosts.bare });
      expect(report.violation?.message ?? null, `seed ${seed}`).toBeNull();
      expect(report.budget).toBe(name);
      for (const { kind } of report.executed) expect(budgets[name].kinds).toContain(kind);
    }
  });

  it('lets an operator put a voter that came back with another disk in the place of the old one', () => {
    const { wipe, addVoter } = examples;
    const report = runWith([
      { ...wipe, target: 1, downUs: 200_000 },
      { ...addVoter, target: 1, atUs: atUs + 500_000 },
    ]);
    expect(report.violation?.message ?? null).toBeNull();
    expect(report.marks.get('voter change: made')).toBe(2);
  });

  it('reckons damage by the smallest set of voters that anybody has asked for', () => {
    const { removeVoter, wipe } = examples;
    const report = runWith([
      { ...removeVoter, target: 2 },
      { ...wipe, target: 0, atUs: atUs + 1_000_000 },
    ]);
    expect(report.violation?.message ?? null).toBeNull();
    expect([report.marks.get('voter change: made'), report.faults['overBudget']]).toEqual([1, 1]);
  });

  it('lets a minority be damaged and no more', () => {
    const wipes = [0, 1, 2].map((node) => ({ ...examples.wipe, target: node, atUs: atUs + 100_000 * node }));
    const minority = runWith(wipes);
    expect(minority.violation?.message ?? null).toBeNull();
    expect([minority.faults['wipe'], minority.faults['overBudget']]).toEqual([1, 2]);
    const majority = runWith(wipes, { budget: 'majority damaged' });
    expect(majority.violation?.message ?? null).toBeNull();
    // Three empty disks in the place of all three would be told from a first start by nobody.
    expect([majority.faults['wipe'], majority.faults['overBudget']]).toEqual([2, 1]);
  });

  // Two nodes waited for the write that would be misdirected while neither was damaged yet, and then both were.
  it('counts a write that is still to be misdirected as damage', () => {
    const misdirections = [0, 1].map((node) => ({ ...examples.misdirect, target: node }));
    const report = runWith(misdirections);
    expect([report.faults['misdirect'], report.faults['overBudget']]).toEqual([1, 1]);
  });

  it('that promises one leader is broken by a pause beyond the timeouts', () => {
    const report = runWith([{ ...examples.pause, forUs: 3_000_000 }], { budget: 'short stalls' });
    expect(report.violation?.message).toMatch(/^no election without a reason: node/);
  });

  it('says of every damaging kind that it is one', () => {
    expect([...damagingKinds].filter((kind) => !faultKinds.includes(kind))).toEqual([]);
  });
});

describe('trouble with disks', () => {
  const seeds = Array.from({ length: 200 }, (_, at) => at + 1);

  it('is what one seed in sixteen has, and every one where it is asked for', () => {
    const troubled = seeds.filter((seed) =>
      sameValue(generateSchedule(seed).faults, generateSchedule(seed, 'disk trouble').faults),
    );
    expect(troubled.length).toBeGreaterThan(4);
    expect(troubled.length).toBeLessThan(20);
  });

  it('damages the disk of one node alone', () => {
    for (const seed of seeds.slice(0, 20)) {
      const { faults } = generateSchedule(seed, 'disk trouble');
      const damaged = faults.flatMap((fault) =>
        fault.kind === 'rot' || fault.kind === 'misdirect' ? [fault.target] : [],
      );
      expect(new Set(damaged).size).toBeLessThan(2);
    }
  });
});

describe('a crash point', () => {
  it('right after a call of one kind ends its process before the next call of any kind', () => {
    const point = new CrashPoint();
    const calls: string[] = [];
    point.arm(2, () => calls.push('crash'), 'remove');
    for (const call of ['remove', 'send', 'remove', 'syncDirectory', 'remove'] as const) {
      point.passed(call);
      calls.push(call);
    }
    expect(calls).toEqual(['remove', 'send', 'remove', 'crash', 'syncDirectory', 'remove']);
  });

  it('ends its process once, before the call that was named', () => {
    const point = new CrashPoint();
    const calls: number[] = [];
    point.arm(3, () => calls.push(3));
    for (let call = 1; call <= 5; call++) {
      point.passed('send');
      calls.push(-call);
    }
    expect(calls).toEqual([-1, -2, 3, -3, -4, -5]);
  });
});

type Life = { readonly world: World; readonly process: SimulatedProcess; readonly happened: string[] };

function life(): Life {
  const world = new World({ seed: 1 });
  const process = world.addProcess('one', { driftPpm: 0, wallOffsetMs: 0 });
  process.begin();
  return { world, process, happened: [] };
}

describe('a process', () => {
  it.each([
    ['pause', ['delivery', 'timer']],
    ['stall', ['timer', 'delivery']],
  ] as const)('after a %s does what was due in this order: %j', (what, order) => {
    const { world, process, happened } = life();
    process[what](1000);
    process.schedule(100, eventKinds.delivery, () => happened.push('delivery'));
    process.clock().setTimer(0.2, () => happened.push('timer'));
    world.runUntil(5000);
    expect(happened).toEqual(order);
  });

  it('has a monotonic clock that never goes back when its drift changes', () => {
    const { world, process } = life();
    const clock = process.clock();
    world.runUntil(1_000_000);
    process.setDrift(20_000);
    expect(clock.monotonicMs()).toBe(1000);
    world.runUntil(2_000_000);
    process.setDrift(-500_000);
    expect(clock.monotonicMs()).toBe(2020);
    world.runUntil(3_000_000);
    expect(clock.monotonicMs()).toBe(2520);
  });

  it('asks for nothing any more through what an earlier life was given', () => {
    const { world, process, happened } = life();
    const clock = process.clock();
    process.end();
    clock.setTimer(1, () => happened.push('timer of the dead'));
    process.begin();
    clock.setTimer(1, () => happened.push('timer of the dead'));
    process.clock().setTimer(1, () => happened.push('timer'));
    world.runUntil(10_000);
    expect(happened).toEqual(['timer']);
  });
});

describe('a broken connection', () => {
  it('takes what is under way, is noticed by both sides, and is made again', () => {
    const world = new World({ seed: 1 });
    const seen: string[] = [];
    const processes = [1, 2].map((id) => world.addProcess(`node${id}`, { driftPpm: 0, wallOffsetMs: 0 }));
    const addresses = new Map(processes.map((process) => [nodeId(process.index + 1), process]));
    const [first] = processes.map((process, at) => {
      process.begin();
      const key = { id: nodeId(at + 1), directoryId: 'AAAAAAAAAAAAAAAAAAAAAA' as never };
      return world.network.attach(process, addresses, key, {
        onMessage: () => seen.push(`${process.name} got something`),
        onConnectionOpened: (peer) => seen.push(`${process.name} opened ${peer}`),
        onConnectionClosed: (peer, refused) => seen.push(`${process.name} closed ${peer} ${refused}`),
      });
    });
    world.runUntil(1_000_000);
    seen.length = 0;
    const answer = new Uint8Array();
    first?.send(nodeId(2), {
      channel: 'forward',
      message: { type: 'forwardResponse', requestId: 1, answer },
    });
    const [one, two] = processes;
    if (one !== undefined && two !== undefined) world.network.reset(one, two);
    world.runUntil(2_000_000);
    expect(seen.toSorted()).toEqual([
      'node1 closed 2 false',
      'node1 opened 2',
      'node2 closed 1 false',
      'node2 opened 1',
    ]);
  });
});
