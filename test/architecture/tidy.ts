import type { Violation } from './source-file.ts';

export const linesMax = 500;
/** The formatter breaks code, and leaves comments as they are. */
export const commentWidthMax = 120;

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

/** A line that begins as a comment, or has one behind its code. */
const commentLine = /^\s*(\/\/|\/?\*)|\s\/\/\s/;

export function commentViolations(text: string): Violation[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.length <= commentWidthMax || !commentLine.test(line)) return [];
    const message = `has a comment of ${line.length} characters, of at most ${commentWidthMax}`;
    return [{ line: index + 1, message }];
  });
}
