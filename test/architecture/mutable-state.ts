import type { Expression, Node } from 'oxc-parser';
import { type SourceFile, type Violation, words } from './source-file.ts';

/** Methods that change the collection they are called on. */
const mutators: ReadonlySet<string> = words(
  'add clear copyWithin delete fill pop push reverse set shift sort splice unshift',
);
const functionTypes: ReadonlySet<string> = words(
  'FunctionDeclaration FunctionExpression ArrowFunctionExpression StaticBlock',
);

/**
 * State that belongs to the module and not to anything a caller holds: two simulated nodes in one process
 * would share it. A table that is filled while the module loads, and by no function, is not state.
 */
export function mutableStateViolations(source: SourceFile): Violation[] {
  const found: Violation[] = [];
  const collections = moduleCollections(source);
  source.walk((node, parents) => {
    const message =
      moduleVariable(node, parents) ?? staticField(node) ?? changedCollection(node, parents, collections);
    if (message !== undefined) found.push(source.violation(node.start, message));
  });
  return found;
}

function isAtModuleLevel(parents: readonly Node[]): boolean {
  return !parents.some((parent) => functionTypes.has(parent.type));
}

function moduleVariable(node: Node, parents: readonly Node[]): string | undefined {
  if (node.type !== 'VariableDeclaration' || (node.kind !== 'let' && node.kind !== 'var')) return undefined;
  const [parent] = parents;
  const isTopLevel = parent?.type === 'Program' || parent?.type === 'ExportNamedDeclaration';
  return isTopLevel ? `has a module-level ${node.kind}` : undefined;
}

function staticField(node: Node): string | undefined {
  if (node.type !== 'PropertyDefinition' || !node.static || node.readonly === true) return undefined;
  return 'has a static field that is not readonly';
}

/** The names of the constants at the top of the module that hold something whose contents can change. */
function moduleCollections(source: SourceFile): Set<string> {
  const names = new Set<string>();
  source.walk((node, parents) => {
    if (node.type !== 'VariableDeclarator' || node.id.type !== 'Identifier') return;
    if (node.init !== null && isAtModuleLevel(parents) && holdsContents(node.init)) names.add(node.id.name);
  });
  return names;
}

function holdsContents(init: Expression): boolean {
  switch (init.type) {
    case 'NewExpression':
    case 'ArrayExpression':
    case 'ObjectExpression':
      return true;
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
      return holdsContents(init.expression);
    default:
      return false;
  }
}

function changedCollection(
  node: Node,
  parents: readonly Node[],
  collections: ReadonlySet<string>,
): string | undefined {
  const target = changedName(node);
  if (target === undefined || !collections.has(target) || isAtModuleLevel(parents)) return undefined;
  return `changes the module-level ${target} in a function`;
}

/** The name of the object whose contents `node` changes. */
function changedName(node: Node): string | undefined {
  switch (node.type) {
    case 'CallExpression': {
      const { callee } = node;
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return undefined;
      return mutators.has(callee.property.name) ? nameOf(callee.object) : undefined;
    }
    case 'AssignmentExpression':
      return node.left.type === 'MemberExpression' ? nameOf(node.left.object) : undefined;
    case 'UpdateExpression':
      return node.argument.type === 'MemberExpression' ? nameOf(node.argument.object) : undefined;
    case 'UnaryExpression':
      if (node.operator !== 'delete' || node.argument.type !== 'MemberExpression') return undefined;
      return nameOf(node.argument.object);
    default:
      return undefined;
  }
}

function nameOf(node: Node): string | undefined {
  return node.type === 'Identifier' ? node.name : undefined;
}
