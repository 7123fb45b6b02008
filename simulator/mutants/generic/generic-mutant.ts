/** The kinds of small mistakes that are made mechanically, wherever the text allows one. */
export const operatorNames = [
  'condition negated',
  'condition operator swapped',
  'condition side dropped',
  'comparison off by one',
  'arithmetic off by one',
  'constant flipped',
  'effect dropped',
  'call dropped',
  'assignment dropped',
  'barrier removed',
  'early return dropped',
] as const;

export type OperatorName = (typeof operatorNames)[number];

/** One small mistake in one source file: what stands at [start, end) gives way to `replacement`. */
export type GenericMutant = {
  readonly file: string;
  readonly operator: OperatorName;
  /** Of the mistake, both counted from 1. */
  readonly line: number;
  readonly column: number;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** The lines that it touches, in one, without and with it. */
  readonly before: string;
  readonly after: string;
  /** Stays the same when the lines move. */
  readonly hash: string;
};

export function mutantId({ file, line, column, operator }: GenericMutant): string {
  return `${file}:${line}:${column} ${operator}`;
}

/** The file's text with the mistake in it. */
export function mutatedText(text: string, { start, end, replacement }: GenericMutant): string {
  return text.slice(0, start) + replacement + text.slice(end);
}
