import { styleText } from 'node:util';

/** Where a command writes; standard output in earnest, a text in tests. */
export type Terminal = {
  /** Results, for people or for pipes. */
  readonly out: (text: string) => void;
  /** Everything about the doing: progress, warnings, errors. */
  readonly err: (text: string) => void;
  readonly isColoured: boolean;
};

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

export function style(terminal: Terminal, format: Style, text: string): string {
  return terminal.isColoured ? styleText(format, text) : text;
}

export type Stream = { readonly isTTY?: boolean; write(text: string): unknown };

/** Colours only where a person looks, and not where NO_COLOR is set (no-color.org). */
export function createTerminal(
  streams: { readonly stdout: Stream; readonly stderr: Stream },
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isRefused = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return {
    out: (text) => void streams.stdout.write(text),
    err: (text) => void streams.stderr.write(text),
    isColoured: streams.stdout.isTTY === true && !isRefused,
  };
}
