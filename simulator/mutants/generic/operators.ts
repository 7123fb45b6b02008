import type { CallExpression, Expression, Node, ObjectExpression } from 'oxc-parser';
import type { OperatorName } from './generic-mutant.ts';

/** What stands at [start, end) gives way to `text`. */
export type Replacement = { readonly start: number; readonly end: number; readonly text: string };

export type Place = {
  readonly node: Node;
  /** The nodes around it, the nearest first. */
  readonly parents: readonly Node[];
  /** The whole file. */
  readonly text: string;
};

/** Gives the mistakes of one kind that can be made at a place. */
export type Operator = (place: Place) => readonly Replacement[];

export const operators: Readonly<Record<OperatorName, Operator>> = {
  'condition negated': negateCondition,
  'condition operator swapped': swapOperator,
  'condition side dropped': dropSide,
  'comparison off by one': shiftComparison,
  'arithmetic off by one': dropOne,
  'constant flipped': flipConstant,
  'effect dropped': dropEffect,
  'call dropped': dropCall,
  'assignment dropped': dropAssignment,
  'barrier removed': removeBarrier,
  'early return dropped': dropEarlyReturn,
};

function textOf({ text }: Place, { start, end }: Node): string {
  return text.slice(start, end);
}

function replace({ start, end }: Node, text: string): readonly Replacement[] {
  return [{ start, end, text }];
}

/** Tests of statements, and comparisons and negations that are values or parts of a test. */
function negateCondition(place: Place): readonly Replacement[] {
  const { node, parents } = place;
  if (
    node.type === 'IfStatement' ||
    node.type === 'ConditionalExpression' ||
    node.type === 'WhileStatement'
  ) {
    return replace(node.test, `!(${textOf(place, node.test)})`);
  }
  if (isWholeTest(node, parents[0])) return [];
  if (node.type === 'UnaryExpression' && node.operator === '!') {
    return replace(node, textOf(place, node.argument));
  }
  if (node.type === 'BinaryExpression' && (node.operator === '===' || node.operator === '!==')) {
    return replace(node, `!(${textOf(place, node)})`);
  }
  return [];
}

function isWholeTest(node: Node, parent: Node | undefined): boolean {
  return parent !== undefined && 'test' in parent && parent.test === node;
}

function swapOperator(place: Place): readonly Replacement[] {
  const { node } = place;
  if (node.type !== 'LogicalExpression' || node.operator === '??') return [];
  const swapped = node.operator === '&&' ? '||' : '&&';
  return replace(node, `((${textOf(place, node.left)}) ${swapped} (${textOf(place, node.right)}))`);
}

function dropSide(place: Place): readonly Replacement[] {
  const { node } = place;
  if (node.type !== 'LogicalExpression' || node.operator === '??') return [];
  return [node.left, node.right].flatMap((kept) => replace(node, textOf(place, kept)));
}

const neighbours: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };

function shiftComparison(place: Place): readonly Replacement[] {
  const { node } = place;
  if (node.type !== 'BinaryExpression') return [];
  const other = neighbours[node.operator];
  if (other === undefined) return [];
  return replace(node, `${textOf(place, node.left)} ${other} ${textOf(place, node.right)}`);
}

function dropOne(place: Place): readonly Replacement[] {
  const { node } = place;
  if (node.type !== 'BinaryExpression' || (node.operator !== '+' && node.operator !== '-')) return [];
  if (node.right.type !== 'Literal' || node.right.value !== 1) return [];
  return replace(node, textOf(place, node.left));
}

function flipConstant({ node }: Place): readonly Replacement[] {
  if (node.type !== 'Literal' || typeof node.value !== 'boolean') return [];
  return replace(node, String(!node.value));
}

function dropEffect(place: Place): readonly Replacement[] {
  return isEffect(place) ? replace(place.node, ';') : [];
}

function dropCall(place: Place): readonly Replacement[] {
  const { node } = place;
  if (node.type !== 'ExpressionStatement' || isEffect(place)) return [];
  const { type } = withoutChain(node.expression);
  return type === 'CallExpression' || type === 'YieldExpression' ? replace(node, ';') : [];
}

function dropAssignment({ node }: Place): readonly Replacement[] {
  if (node.type !== 'ExpressionStatement') return [];
  const { type } = node.expression;
  return type === 'AssignmentExpression' || type === 'UpdateExpression' ? replace(node, ';') : [];
}

function withoutChain(expression: Expression): Node {
  return expression.type === 'ChainExpression' ? expression.expression : expression;
}

/** The core asks its shell for something. */
function isEffect(place: Place): boolean {
  const { node } = place;
  if (node.type !== 'ExpressionStatement' || node.expression.type !== 'CallExpression') return false;
  return /\beffects\.push$/.test(textOf(place, node.expression.callee));
}

/** What makes a message, a name or bytes wait for the disk. */
function removeBarrier(place: Place): readonly Replacement[] {
  const { node, parents } = place;
  const [parent] = parents;
  if (node.type === 'Property' && parent?.type === 'ObjectExpression' && nameOf(node.key) === 'after') {
    return dropProperty(place, parent);
  }
  if (node.type === 'Literal' && node.value === 'pwriteDurably') return replace(node, "'pwrite'");
  if (node.type !== 'YieldExpression' || node.argument?.type !== 'CallExpression') return [];
  return withoutFlush(place, node, node.argument);
}

function withoutFlush(place: Place, node: Node, call: CallExpression): readonly Replacement[] {
  const [operation] = call.arguments;
  const name = nameOf(call.callee);
  if (name === 'submitFile' && operation?.type === 'ObjectExpression') {
    const kind = /^\{\s*kind: '(\w+)'/.exec(textOf(place, operation))?.[1];
    // As if the disk had been asked and had said yes.
    return kind === 'fdatasync' || kind === 'syncDirectory'
      ? replace(node, '({ ok: true, value: null })')
      : [];
  }
  const hasty = name === null ? undefined : withoutFlushes[name];
  return hasty === undefined ? [] : replace(call.callee, hasty);
}

/** The log's procedures that end in a flush, as they would be without it. */
const withoutFlushes: Readonly<Record<string, string>> = {
  writeAndFlush:
    "(function* (handle, position, bytes) { return yield { kind: 'pwrite', handle, position, bytes }; })",
  removeDurably: "(function* (directory, path) { return yield { kind: 'remove', path }; })",
};

function dropProperty({ node, text }: Place, parent: ObjectExpression): readonly Replacement[] {
  const at = parent.properties.findIndex((property) => property.start === node.start);
  const next = parent.properties[at + 1];
  if (next !== undefined) return [{ start: node.start, end: next.start, text: '' }];
  const end = text.startsWith(',', node.end) ? node.end + 1 : node.end;
  return [{ start: node.start, end, text: '' }];
}

function nameOf(node: Node): string | null {
  return node.type === 'Identifier' ? node.name : null;
}

/** Of an `if` or a loop, not of a whole function or of a case. */
function dropEarlyReturn({ node, parents }: Place): readonly Replacement[] {
  const { type } = node;
  if (type !== 'ReturnStatement' && type !== 'ContinueStatement' && type !== 'BreakStatement') return [];
  const around = parents[0]?.type === 'BlockStatement' ? parents[1] : parents[0];
  const isEarly = around?.type === 'IfStatement' || around?.type.startsWith('For') === true;
  return isEarly ? replace(node, ';') : [];
}
