/** Where a command writes; standard output in earnest, a text in tests. */
export type Terminal = {
  /** Results, for people or for pipes. */
  readonly out: (text: string) => void;
  /** Everything about the doing: progress, warnings, errors. */
  readonly err: (text: string) => void;
  readonly isColoured: boolean;
  /** Whether what is written to `err` is shown to a person, and kept nowhere. */
  readonly isWatched?: boolean;
};

/** SGR parameters: what begins a style and what ends it (ECMA-48, 8.3.117). */
const styles = {
  bold: [1, 22],
  dim: [2, 22],
  inverse: [7, 27],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
} as const;

export type Style = keyof typeof styles;

export function style(terminal: Terminal, format: Style, text: string): string {
  return terminal.isColoured ? paint(format, text) : text;
}

export function paint(format: Style, text: string): string {
  const [begin, end] = styles[format];
  return `\u001B[${begin}m${text}\u001B[${end}m`;
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
    isWatched: streams.stderr.isTTY === true,
  };
}
