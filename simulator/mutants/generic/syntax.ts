import { type Node, parseSync } from 'oxc-parser';

/** `parents` are the nodes around `node`, the nearest first. False: what lies within is left out. */
export type Visit = (node: Node, parents: readonly Node[]) => boolean;

/** Visits the nodes of a TypeScript module that are left when it runs: types are left out. */
export function walkProgram(file: string, text: string, visit: Visit): void {
  const { program, errors } = parseSync(file, text, { sourceType: 'module' });
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file} cannot be parsed: ${error.message}`);
  walk(program, [], visit);
}

function walk(node: Node, parents: readonly Node[], visit: Visit): void {
  if (isErased(node) || !visit(node, parents)) return;
  const inner = [node, ...parents];
  for (const [name, value] of Object.entries(node)) {
    if (name === 'parent') continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, inner, visit);
    }
  }
}

/** What holds an expression beside its type. */
const typedExpressions: ReadonlySet<string> = new Set([
  'TSAsExpression',
  'TSNonNullExpression',
  'TSSatisfiesExpression',
]);

function isErased({ type }: Node): boolean {
  return type === 'ImportDeclaration' || (type.startsWith('TS') && !typedExpressions.has(type));
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
