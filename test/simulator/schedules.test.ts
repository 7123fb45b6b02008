import { describe, expect, it } from 'vitest';
import type { Offset } from '../../src/base/brands.ts';
import type { Input } from '../../src/raft/inputs.ts';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { Schedule } from '../../simulator/faults/schedule.ts';
import { bareHost } from '../../simulator/hosts/bare/bare-host.ts';
import type { HostKind } from '../../simulator/hosts/host.ts';
import { runSchedule, type RunReport } from '../../simulator/run.ts';
import {
  decodeSavedRun,
  encodeSavedRun,
  type HostName,
  hosts,
  type SavedRun,
} from '../../simulator/saved-run.ts';
import { ddmin } from '../../simulator/shrink/ddmin.ts';
import { listAt, listPaths, sizeOf, withListAt, withoutPlans } from '../../simulator/shrink/lists.ts';
import { shrinkNumber } from '../../simulator/shrink/shrink-number.ts';
import { shrinkSchedule } from '../../simulator/shrink/shrink-schedule.ts';
import { timelinePage } from '../../simulator/timeline/page.ts';
import { TimelineRecorder } from '../../simulator/timeline/recorder.ts';
import { propertyOf } from '../../simulator/violation.ts';
import { withStep } from '../../simulator/with-step.ts';

function run({ host, mutant, schedule }: SavedRun, recorder?: TimelineRecorder): RunReport {
  return runSchedule({
    schedule,
    host: mutant === null ? hosts[host] : gullibleHost,
    ...(recorder === undefined ? {} : { recorder }),
  });
}

/** The bare host on a core for which every candidate's log is long enough. */
const gullibleHost: HostKind = {
  ...bareHost,
  start: (context) =>
    bareHost.start({
      ...context,
      wrapCore: (core) => context.wrapCore(withStep(core, (input) => core.step(believingLogs(input)))),
    }),
};

function believingLogs(input: Input): Input {
  if (input.type !== 'messageReceived' || input.message.type !== 'voteRequest') return input;
  const { epoch } = input.message;
  const longest = { lastEpoch: epoch, logEndOffset: Number.MAX_SAFE_INTEGER as Offset };
  return { ...input, message: { ...input.message, ...longest } };
}

function shortened(seed: number): Schedule {
  const schedule = generateSchedule(seed);
  return { ...schedule, config: { ...schedule.config, durationUs: 5_000_000 } };
}

function again(saved: SavedRun): SavedRun {
  const decoded = decodeSavedRun(encodeSavedRun(saved));
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.value;
}

const planted = firstBroken('believes in every log');

/** The first run of a small schedule that finds the planted bug; which one that is changes with the generator. */
function firstBroken(mutant: string): SavedRun {
  for (let seed = 1; seed <= 100; seed++) {
    const schedule = generateSchedule(seed);
    const isSmall = schedule.faults.length <= 20 && schedule.operations.length <= 100;
    const saved: SavedRun = { host: 'bare', mutant, schedule };
    if (isSmall && run(saved).violation !== null) return saved;
  }
  throw new Error(`no run finds a quorum that ${mutant}`);
}

describe('a schedule', () => {
  it.each(['bare', 'node'] as const)(
    'that was recorded and written as text gives the same run: %s',
    (host) => {
      for (const seed of [2, 4, 7, 11]) {
        const first = run({ host, mutant: null, schedule: shortened(seed) });
        const second = run(again({ host, mutant: null, schedule: first.recorded }));
        expect(second.digest).toBe(first.digest);
        expect(second.executed).toEqual(first.executed);
      }
    },
  );

  it('that was recorded names the nodes that were hit', () => {
    const { recorded } = run({ host: 'bare', mutant: null, schedule: shortened(2) });
    expect(recorded.faults.length).toBeGreaterThan(0);
    expect(recorded.faults.filter((fault) => 'target' in fault && fault.target === 'leader')).toEqual([]);
  });

  it('keeps its first part when its last fault is taken out', () => {
    const whole = shortened(2);
    const last = whole.faults.findLast((fault) => fault.atUs < whole.config.durationUs);
    const lines = (schedule: Schedule): readonly string[] => {
      const said: string[] = [];
      runSchedule({ schedule, host: hosts.bare, print: (line) => void said.push(line) });
      const before = (last?.atUs ?? 0) / 1_000_000;
      return said.filter((line) => Number(line.trim().split(' ')[0]) < before);
    };
    const without = { ...whole, faults: whole.faults.filter((fault) => fault !== last) };
    expect(lines(without)).toEqual(lines(whole));
  });

  it.each([
    ['not JSON at all', '{', 'it is not JSON'],
    ['of another format', '{"format": 99}', 'its format is 99, not 1'],
    ['for an unknown host', '{"format": 1, "host": "other"}', 'it runs on "other"'],
    [
      'with a mutant that has no name',
      '{"format": 1, "host": "bare", "mutant": 7}',
      'its mutant has no name',
    ],
    [
      'without a budget',
      '{"format": 1, "host": "bare", "mutant": null, "seed": 1, "config": {}}',
      'its config names no budget of faults',
    ],
  ])('is refused when it is %s', (_what, text, reason) => {
    expect(decodeSavedRun(text)).toEqual({ ok: false, error: reason });
  });
});

describe('delta debugging', () => {
  it.each([[[3]], [[0, 99]], [[17, 18, 64]], [[]]])(
    'finds the items that matter among a hundred: %j',
    (needed: readonly number[]) => {
      const items = Array.from({ length: 100 }, (_, at) => at);
      let tries = 0;
      const found = ddmin(items, (fewer) => {
        tries++;
        return needed.every((item) => fewer.includes(item));
      });
      expect(found).toEqual(needed);
      expect(tries).toBeLessThan(120);
    },
  );

  it('makes a number as small as it may be', () => {
    expect(shrinkNumber(1_000_000, 1000, 100, (smaller) => smaller >= 4711)).toBe(4711);
    expect(shrinkNumber(1_000_000, 1000, 100, () => true)).toBe(1000);
  });
});

describe('shrinking', () => {
  it('keeps the broken property, and of the schedule only what breaks it', () => {
    const failing = run(planted);
    expect(failing.violation).not.toBeNull();
    const { schedule, report, reruns } = shrinkSchedule(failing, {
      run: (candidate) => run({ ...planted, schedule: candidate }),
      runsMax: 150,
    });
    expect(propertyOf(report.violation)).toBe(propertyOf(failing.violation));
    expect(schedule.faults.length).toBeLessThan(failing.recorded.faults.length);
    expect(schedule.operations.length).toBeLessThan(failing.recorded.operations.length);
    expect(reruns).toBeLessThanOrEqual(150);
    const repeated = run(again({ ...planted, schedule }));
    expect(repeated.digest).toBe(report.digest);
    expect(repeated.violation?.message).toBe(report.violation?.message);
  });
});

describe('a timeline', () => {
  const recorder = new TimelineRecorder();
  const report = run(planted, recorder);
  const page = timelinePage(recorder, { heading: 'a < b', command: 'npm run simulate', facts: '' });

  it('is one page that loads nothing', () => {
    expect(page).not.toMatch(/\b(src|href)=|@import|url\(|fetch\(/);
    expect(page).toContain('<title>a &lt; b</title>');
  });

  it('shows every node, fault and role, and what broke', () => {
    for (const name of ['node1', 'node2', 'node3']) expect(page).toContain(`>${name}</b>`);
    for (const { kind } of report.executed) expect(page).toContain(`<span>${kind}</span>`);
    expect(page).toMatch(/class="band role-leader"/);
    expect(page).toContain('class="break"');
    expect(page).toContain('data-kind="vote"');
  });

  it('changes nothing in the run that it shows', () => {
    expect(run(planted).digest).toBe(report.digest);
  });
});

describe('every host', () => {
  it.each(Object.keys(hosts) as readonly HostName[])('runs without a fault: %s', (host) => {
    const schedule = { ...shortened(1), faults: [] };
    expect(run({ host, mutant: null, schedule }).violation?.message ?? null).toBeNull();
  });
});

describe('the lists of a schedule', () => {
  const base = { ...generateSchedule(4), groups: null };
  const records = [5, 6].map((atUs) => ({ atUs, partition: 0 }));
  const nested = {
    ...base,
    brokers: { brokers: 3, minIsr: 1, replicaLagTimeMaxMs: 1000, fetchRecordsMax: 50, records, faults: [] },
  };

  it('are found within plans of their own, too, and never in the config', () => {
    expect(listPaths(nested)).toEqual([
      { field: 'faults', within: null },
      { field: 'operations', within: null },
      { field: 'calls', within: null },
      { field: 'brokers', within: 'records' },
      { field: 'brokers', within: 'faults' },
      { field: 'watchers', within: null },
    ]);
    expect(sizeOf(nested)).toBe(base.faults.length + base.operations.length + base.calls.length + 2);
  });

  it('are replaced where they stand', () => {
    const path = { field: 'brokers', within: 'records' };
    const changed = withListAt(nested, path, [{ atUs: 6 }]);
    expect(listAt(changed, path)).toEqual([{ atUs: 6 }]);
    expect(changed.config).toBe(base.config);
    expect(withoutPlans(nested)).toEqual([{ ...nested, brokers: null }]);
    expect(listAt({ ...base, brokers: null }, path)).toEqual([]);
  });
});
