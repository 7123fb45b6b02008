/** Figures as one reads them: no more digits than a second run would give again. */

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `82 thousand`, `3.8 million`. */
export function largeCount(value: number): string {
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} million` : `${Math.round(value / 1e3)} thousand`;
}

/** Without its unit. */
export function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : count(value);
}

export function seconds(valueMs: number): string {
  return `${(valueMs / 1_000).toFixed(valueMs < 1_000 ? 2 : 1)} s`;
}

export function mebibytes(value: number): string {
  return `${value < 10 ? value.toFixed(1) : count(value)} MiB`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  const [, rule] = lines;
  return lines
    .map((cells) => (cells === rule ? `|${cells.join('|')}|` : `| ${cells.join(' | ')} |`))
    .join('\n');
}

/** `1, 16 and 64`. */
export function enumerate(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
