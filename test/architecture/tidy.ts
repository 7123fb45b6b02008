import type { Violation } from './source-file.ts';

export const linesMax = 500;

/** A comment can break between the two words of the last one. */
const unwantedWords = /\b(simple|just|todo|for[\s*/]+now)\b/gi;

/** Words that excuse code instead of explaining it, in code and in comments. */
export function wordViolations(text: string): Violation[] {
  return [...text.matchAll(unwantedWords)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    message: `says ${JSON.stringify(match[0].toLowerCase().replace(/[\s*/]+/g, ' '))}`,
  }));
}

export function lengthViolations(text: string): Violation[] {
  const lines = text.replace(/\n$/, '').split('\n').length;
  return lines > linesMax
    ? [{ line: linesMax + 1, message: `has ${lines} lines, of at most ${linesMax}` }]
    : [];
}
