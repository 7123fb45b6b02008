import { describe, expect, it } from 'vitest';
import { devLayout } from '../../src/cli/dev/layout.ts';
import { devLines, type DevState } from '../../src/cli/dev/screen-lines.ts';
import { stepsOf, type Member } from '../../src/cli/dev/texts.ts';
import { frameText, type Line, sparkline } from '../../src/cli/screen/frame.ts';
import { openScreen, screenDevice, type ScreenDevice } from '../../src/cli/screen/screen.ts';
import { topLines, topText } from '../../src/cli/top/frame.ts';
import { committedPerSecond, type Sample, takeSample } from '../../src/cli/top/sample.ts';
import { createClient } from '../../src/client/index.ts';
import { servePopulated } from './populated.ts';
import { cli } from './run.ts';

const textOf = (lines: readonly Line[]): string =>
  lines
    .map((segments) =>
      segments
        .map(({ text }) => text)
        .join('')
        .trimEnd(),
    )
    .join('\n');

/** A terminal of this test's own, that keeps what is written and sends keys when it is told to. */
function fakeDevice(columns = 60, rows = 12) {
  const state = { written: '', columns, rows, resize: () => {}, press: (_key: string) => {}, isEnded: false };
  const device: ScreenDevice = {
    write: (text) => {
      state.written += text;
    },
    size: () => ({ columns: state.columns, rows: state.rows }),
    onResize: (changed) => {
      state.resize = changed;
      return () => {
        state.isEnded = true;
      };
    },
    onKey: (pressed) => {
      state.press = pressed;
      return () => {};
    },
  };
  return { state, device };
}

describe('a frame', () => {
  const size = { columns: 10, rows: 2 };

  it('is written over the one before, erases what is left of it, and clears nothing first', () => {
    const text = frameText([[{ text: 'one' }]], size, false);
    expect(text).toBe('\u001B[?2026h\u001B[Hone\u001B[K\r\n\u001B[J\u001B[?2026l');
    expect(text).not.toContain('\u001B[2J');
  });

  it('has as many rows as the terminal, and does not scroll it', () => {
    const text = frameText([[{ text: 'a' }], [{ text: 'b' }], [{ text: 'c' }]], size, false);
    expect(text).toContain('b');
    expect(text).not.toContain('c');
    expect(text.match(/\r\n/g)).toHaveLength(1);
  });

  it('cuts a line that is too wide, and its colours with it', () => {
    const text = frameText([[{ text: '123456', style: 'red' }, { text: '7890ab' }]], size, true);
    expect(text).toContain('\u001B[31m123456\u001B[39m789…');
  });

  it('obeys nothing that comes from a cluster', () => {
    expect(frameText([[{ text: '\u001B[2J' }]], size, true)).toContain('?[2J');
  });
});

describe('a screen', () => {
  it('draws anew when the size changes, and gives the terminal back', () => {
    const { state, device } = fakeDevice();
    const screen = openScreen(device, false, () => {});
    screen.draw(({ columns }) => [[{ text: `${columns} wide` }]]);
    expect(state.written).toContain('60 wide');
    state.columns = 40;
    state.resize();
    expect(state.written).toContain('40 wide');
    screen.close();
    expect(state.written.endsWith('\u001B[?25h\u001B[?1049l')).toBe(true);
    expect(state.isEnded).toBe(true);
  });

  it('is there for terminals alone', () => {
    const input = { isTTY: false } as unknown as typeof process.stdin;
    expect(screenDevice(input, process.stdout, {})).toBeNull();
  });
});

it('a course of numbers is drawn with its largest as the tallest', () => {
  expect(sparkline([0, 4, 8])).toBe('▁▅█');
  expect(sparkline([0, 0])).toBe('▁▁');
});

const sample: Sample = {
  atMs: 10_000,
  clusterId: 'BBBBBBBBBBBBBBBBBBBBBA',
  leader: { id: 0, epoch: 3 },
  highWatermark: 120,
  controllers: [
    {
      endpoint: 'http://a:1',
      nodeId: 0,
      role: 'leader',
      logEndOffset: 120,
      lag: 0,
      lastContactMs: 5,
      trouble: null,
    },
    {
      endpoint: 'http://b:1',
      nodeId: 1,
      role: 'follower',
      logEndOffset: 20,
      lag: 101,
      lastContactMs: 7,
      trouble: 'recovering',
    },
    {
      endpoint: 'http://c:1',
      nodeId: null,
      role: 'no answer',
      logEndOffset: null,
      lag: null,
      lastContactMs: null,
      trouble: null,
    },
  ],
  brokers: [],
};

describe('ottla top', () => {
  it('shows leader, rate, lag, and who does not answer', async () => {
    const lines = topLines(sample, [1, 2], { columns: 100, rows: 30 }, '14:00:00');
    await expect(`${textOf(lines)}\n`).toMatchFileSnapshot('golden/top-screen.txt');
  });

  it('says that more is there than fits', () => {
    const lines = topLines(sample, [], { columns: 100, rows: 6 }, '14:00:00');
    expect(lines).toHaveLength(6);
    expect(textOf(lines)).toContain('more than fits');
  });

  it('counts what was committed between two looks, and nothing where a log has begun anew', () => {
    expect(committedPerSecond(null, sample)).toBeNull();
    expect(committedPerSecond({ ...sample, atMs: 8_000, highWatermark: 100 }, sample)).toBe(10);
    expect(committedPerSecond({ ...sample, atMs: 8_000, highWatermark: 500 }, sample)).toBeNull();
  });

  it('looks at a cluster of which one controller does not answer', async () => {
    const { url } = await servePopulated();
    const clients = [url, 'http://127.0.0.1:1'].map((endpoint) => ({
      endpoint,
      client: createClient({ endpoints: [endpoint] }),
    }));
    const found = await takeSample(clients, 0);
    await Promise.all(clients.map(({ client }) => client.close()));
    expect(found.leader).toEqual({ id: 0, epoch: 3 });
    expect(found.controllers.map(({ role }) => role)).toEqual(['leader', 'no answer']);
    expect(found.brokers).toHaveLength(3);
    expect(topText(found, null)).toContain('leader=0 epoch=3');
  });

  it('writes a line for each look where nobody looks on', async () => {
    const { run } = await servePopulated();
    const done = await run('top', '--samples', '2', '--interval', '100');
    expect(done.out.trimEnd().split('\n')).toHaveLength(2);
    expect(done.out).toMatch(/ unfenced=2\/3 outOfSync=1\n$/);
    const hasty = await run('top', '--samples', '1', '--interval', '99');
    expect([hasty.exitCode, hasty.err]).toEqual([
      2,
      expect.stringContaining('--interval 99 is below 100 ms'),
    ]);
    const json = await run('top', '--samples', '1', '-o', 'json');
    expect(JSON.parse(json.out)).toMatchObject({ leader: { id: 0 }, committedPerSecond: null });
  });

  it('draws on a terminal until q is pressed', async () => {
    const { url } = await servePopulated();
    const { state, device } = fakeDevice(100, 24);
    const running = cli(['top', '--endpoints', url, '--interval', '100'], { screen: device });
    await expect.poll(() => state.written).toContain('Controller 0 leads, epoch 3.');
    state.press('q');
    expect((await running).exitCode).toBe(0);
    expect(state.written.endsWith('\u001B[?1049l')).toBe(true);
  });
});

describe('the screen of ottla dev', () => {
  const layout = devLayout('/data/.ottla-dev', 9_644);
  const members: readonly Member[] = [
    { kind: 'controller', id: 0, pid: 100, isRunning: true },
    { kind: 'controller', id: 1, pid: 101, isRunning: false },
    { kind: 'broker', id: 1, pid: 200, isRunning: true },
    { kind: 'broker', id: 2, pid: 201, isRunning: false },
    { kind: 'broker', id: 3, pid: 202, isRunning: false },
  ];
  const broker = { epoch: 5, isFenced: false, isLeaving: false, leads: 2 };
  const state: DevState = {
    view: {
      leader: { id: 0, epoch: 2 },
      brokers: [
        { ...broker, id: 1 },
        { ...broker, id: 2 },
        { ...broker, id: 3, isFenced: true, leads: 0 },
      ],
    },
    steps: stepsOf(layout, members, 0, 'ottla'),
    areStepsShown: true,
  };
  const events = Array.from({ length: 50 }, (_, index) => `event ${index}`);

  it('shows processes, what to try, and the latest of what has happened', async () => {
    const lines = devLines(layout, members, state, events, { columns: 100, rows: 34 }, '14:00:00');
    expect(lines).toHaveLength(34);
    await expect(`${textOf(lines)}\n`).toMatchFileSnapshot('golden/dev-screen.txt');
  });

  it('leaves out what to try where there is no room for it, or nobody wants it', () => {
    const low = textOf(devLines(layout, members, state, events, { columns: 80, rows: 20 }, ''));
    expect(low).not.toContain('Things to try');
    expect(low).toContain('event 49');
    const unwanted = { ...state, areStepsShown: false };
    const tall = textOf(devLines(layout, members, unwanted, events, { columns: 80, rows: 60 }, ''));
    expect(tall).not.toContain('Things to try');
  });
});
