import { createHash } from 'node:crypto';
import type { Node } from 'oxc-parser';
import { type GenericMutant, type OperatorName, operatorNames } from './generic-mutant.ts';
import { operators, type Replacement } from './operators.ts';
import { walkProgram } from './syntax.ts';

/**
 * Every small mistake that the operators make in a file, in the order of the text. Assertions are left as
 * they are, because a program without one of them is no worse until it has another bug; and so are texts, and
 * marks that count for the simulator alone.
 */
export function generateMutants(file: string, text: string): readonly GenericMutant[] {
  const found: GenericMutant[] = [];
  const occurrences = new Map<string, number>();
  walkProgram(file, text, (node, parents) => {
    if (isLeftOut(node)) return false;
    for (const operator of operatorNames) {
      for (const replacement of operators[operator]({ node, parents, text })) {
        found.push(describe(file, text, operator, replacement, occurrences));
      }
    }
    return true;
  });
  return found;
}

const withoutMutants: ReadonlySet<string> = new Set([
  'assert',
  'assertDefined',
  'assertNever',
  'violated',
  'coverageMark',
]);

/** `assertDefined` gives a value, but what it is asked for is mostly an element that is known to be there. */
function isLeftOut(node: Node): boolean {
  if (node.type === 'ThrowStatement') return true;
  if (node.type === 'CallExpression') {
    return node.callee.type === 'Identifier' && withoutMutants.has(node.callee.name);
  }
  if (node.type === 'ExpressionStatement') return isLeftOut(node.expression);
  return node.type === 'IfStatement' && isLeftOut(node.consequent);
}

function describe(
  file: string,
  text: string,
  operator: OperatorName,
  { start, end, text: replacement }: Replacement,
  occurrences: Map<string, number>,
): GenericMutant {
  const linesBefore = text.slice(0, start).split('\n');
  const column = (linesBefore.at(-1) ?? '').length + 1;
  const rest = text.indexOf('\n', end);
  const lineEnd = rest < 0 ? text.length : rest;
  const lineStart = tellingStart(text, start - column + 1, lineEnd);
  const before = inOneLine(text.slice(lineStart, lineEnd));
  const after = inOneLine(text.slice(lineStart, start) + replacement + text.slice(end, lineEnd));
  const change = [file, operator, before, after].join('\n');
  const occurrence = (occurrences.get(change) ?? 0) + 1;
  occurrences.set(change, occurrence);
  const hash = createHash('sha256').update(`${change}\n${occurrence}`).digest('hex').slice(0, 12);
  const line = linesBefore.length;
  return { file, operator, line, column, start, end, replacement, before, after, hash };
}

/** A line that says little, as `return;` does, is shown and hashed with the one above. */
function tellingStart(text: string, lineStart: number, lineEnd: number): number {
  const isTelling = text.slice(lineStart, lineEnd).trim().length > tellingLength;
  return isTelling ? lineStart : text.lastIndexOf('\n', lineStart - 2) + 1;
}

const tellingLength = 12;

function inOneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
