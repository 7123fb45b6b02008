import { frameText, type Line, type Size } from './frame.ts';

/** A terminal that can be drawn on and that sends keys; there is none where a pipe is. */
export type ScreenDevice = {
  readonly write: (text: string) => void;
  readonly size: () => Size;
  /** Each gives what ends it. */
  readonly onResize: (changed: () => void) => () => void;
  readonly onKey: (pressed: (key: string) => void) => () => void;
};

/** What is drawn fits the size that the terminal has at that moment. */
export type Drawing = (size: Size) => readonly Line[];

export type Screen = {
  /** Shows this from now on, also when the size changes. */
  draw(drawing: Drawing): void;
  /** Gives the terminal back as it was. */
  close(): void;
};

const enter = '\u001B[?1049h\u001B[?25l\u001B[2J';
const leave = '\u001B[?25h\u001B[?1049l';

/** Takes the terminal's other screen, so that what stood there before is there again afterwards. */
export function openScreen(device: ScreenDevice, isColoured: boolean, onKey: (key: string) => void): Screen {
  let drawing: Drawing = () => [];
  const redraw = (): void => device.write(frameText(drawing(device.size()), device.size(), isColoured));
  device.write(enter);
  const ends = [device.onResize(redraw), device.onKey(onKey)];
  return {
    draw: (next) => {
      drawing = next;
      redraw();
    },
    close: () => {
      for (const end of ends.splice(0)) end();
      device.write(leave);
    },
  };
}

/** Ctrl-C arrives as a key, since a screen reads them one by one. */
export function isQuit(key: string): boolean {
  return key === 'q' || key === 'Q' || key === '\u0003';
}

type Input = {
  readonly isTTY?: boolean;
  setRawMode(isRaw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  on(event: 'data', listener: (key: string) => void): unknown;
  off(event: 'data', listener: (key: string) => void): unknown;
};

type Output = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
};

/** Null where nobody looks, or where the terminal can do nothing but write lines. */
export function screenDevice(
  input: Input,
  output: Output,
  environment: Readonly<Record<string, string | undefined>>,
): ScreenDevice | null {
  if (input.isTTY !== true || output.isTTY !== true || environment['TERM'] === 'dumb') return null;
  return {
    write: (text) => void output.write(text),
    size: () => ({ columns: output.columns ?? 80, rows: output.rows ?? 24 }),
    onResize: (changed) => {
      output.on('resize', changed);
      return () => void output.off('resize', changed);
    },
    onKey: (pressed) => {
      input.setRawMode(true);
      input.setEncoding('utf8');
      input.on('data', pressed);
      input.resume();
      return () => {
        input.off('data', pressed);
        input.setRawMode(false);
        input.pause();
      };
    },
  };
}
