import type { CliDependencies } from '../context.ts';
import { style } from '../output/terminal.ts';
import { clockText } from '../screen/clock.ts';
import { isQuit, openScreen, type ScreenDevice } from '../screen/screen.ts';
import type { DevLayout } from './layout.ts';
import { devLines, type DevState } from './screen-lines.ts';
import { headline, nextSteps, stepsOf, type Member } from './texts.ts';
import type { ClusterView } from './watcher.ts';

/** Where `ottla dev` shows what happens: line by line, or on a screen that is drawn anew. */
export type DevDisplay = {
  /** Something has happened. */
  say(line: string): void;
  /** What the program itself does. */
  announce(text: string): void;
  /** The processes are there. */
  started(): void;
  /** Somebody leads and every broker is unfenced. */
  ready(leaderId: number): void;
  saw(view: ClusterView): void;
  close(): void;
};

export type DisplayOptions = {
  readonly layout: DevLayout;
  readonly members: () => readonly Member[];
  /** How a person starts this program. */
  readonly command: string;
  readonly onQuit: () => void;
};

export function lineDisplay(
  { layout, members, command }: DisplayOptions,
  { terminal }: CliDependencies,
): DevDisplay {
  return {
    say: (line) => terminal.out(`${style(terminal, 'dim', preciseClock(new Date()))}  ${line}\n`),
    announce: (text) => terminal.out(`${text}\n`),
    started: () => terminal.out(headline(layout, members(), terminal)),
    ready: (leaderId) => terminal.out(nextSteps(layout, members(), leaderId, command, terminal)),
    saw: () => {},
    close: () => {},
  };
}

/** What is remembered of what has happened; a screen shows the end of it. */
const eventsMax = 200;

export function screenDisplay(
  options: DisplayOptions,
  device: ScreenDevice,
  { terminal }: CliDependencies,
): DevDisplay {
  const { layout, members, command } = options;
  const events: string[] = [];
  let state: DevState = { view: null, steps: [], areStepsShown: true };
  const draw = (change: Partial<DevState> = {}): void => {
    state = { ...state, ...change };
    screen.draw((size) => devLines(layout, members(), state, events, size, clockText(new Date())));
  };
  const screen = openScreen(device, terminal.isColoured, (key) => {
    if (isQuit(key)) options.onQuit();
    else if (key === 'h') draw({ areStepsShown: !state.areStepsShown });
  });
  const add = (line: string): void => {
    events.push(`${preciseClock(new Date())}  ${line}`);
    if (events.length > eventsMax) events.shift();
    draw();
  };
  return {
    say: add,
    announce: add,
    started: () => draw(),
    ready: (leaderId) => draw({ steps: stepsOf(layout, members(), leaderId, command) }),
    saw: (view) => draw({ view }),
    close: () => screen.close(),
  };
}

function preciseClock(time: Date): string {
  return `${clockText(time)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
