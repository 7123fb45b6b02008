import type { Node } from 'oxc-parser';
import { mutableStateViolations } from './mutable-state.ts';
import { marksFile } from './coverage-marks.ts';
import { type SourceFile, type Violation, type Visit, words } from './source-file.ts';

/** The folders whose code gives the same results for the same inputs, on any machine and at any time. */
const pureFolder = /^src\/(base|raft|metadata|balancer|linking|replica|codec)\//;
/** Ports speak of submission and completion, so that the simulator decides when something completes. */
const withoutPromises = /^src\/ports\//;

/** Globals that bring in time, chance, the world outside or a later turn of the event loop. */
const forbiddenGlobals: ReadonlySet<string> = words(
  'Date performance Intl Promise console process crypto fetch require setTimeout setInterval',
  'setImmediate queueMicrotask globalThis global',
);
/** These may differ in the last bit between machines, or are chance outright. */
const forbiddenMath: ReadonlySet<string> = words(
  'random log log2 log10 log1p exp expm1 pow cbrt hypot sin cos tan asin acos atan atan2 sinh cosh',
  'tanh asinh acosh atanh',
);
const localeMember = /^(toLocale[A-Z]\w*|localeCompare)$/;

/** Everything in `source` that makes its result depend on more than its inputs. */
export function purityViolations(source: SourceFile): Violation[] {
  if (withoutPromises.test(source.path)) return collect(source, [asynchrony, only('Promise')]);
  if (!pureFolder.test(source.path)) return [];
  const rules = [asynchrony, forbiddenGlobal, forbiddenMathUse, localeUse];
  // Who listens to marks is known to the module, or every pure function would have to be handed a listener;
  // nothing but the listener itself can tell, because a mark gives nothing back.
  const shared = source.path === marksFile ? [] : mutableStateViolations(source);
  return [...collect(source, rules), ...shared];
}

interface Context {
  /** Names that the file itself declares, and which therefore do not mean the global of that name. */
  readonly declared: ReadonlySet<string>;
}
type Rule = (node: Node, parents: readonly Node[], key: string, context: Context) => string | undefined;

function collect(source: SourceFile, rules: readonly Rule[]): Violation[] {
  const context: Context = { declared: declaredNames(source) };
  const found: Violation[] = [];
  const visit: Visit = (node, parents, key) => {
    for (const rule of rules) {
      const message = rule(node, parents, key, context);
      if (message !== undefined) found.push(source.violation(node.start, message));
    }
  };
  source.walk(visit);
  return found;
}

function asynchrony(node: Node): string | undefined {
  if ('async' in node && node.async === true) return 'has an async function';
  if (node.type === 'AwaitExpression') return 'awaits';
  if (node.type === 'ForOfStatement' && node.await) return 'awaits';
  return undefined;
}

function forbiddenGlobal(
  node: Node,
  parents: readonly Node[],
  key: string,
  context: Context,
): string | undefined {
  if (node.type !== 'Identifier' || !forbiddenGlobals.has(node.name)) return undefined;
  if (context.declared.has(node.name) || isOnlyAName(parents[0], key)) return undefined;
  return `uses ${node.name}`;
}

function only(name: string): Rule {
  return (node, parents, key, context) =>
    node.type === 'Identifier' && node.name === name
      ? forbiddenGlobal(node, parents, key, context)
      : undefined;
}

function forbiddenMathUse(node: Node, parents: readonly Node[], key: string): string | undefined {
  if (node.type === 'BinaryExpression' && node.operator === '**') {
    const isConstant = node.left.type === 'Literal' && node.right.type === 'Literal';
    return isConstant ? undefined : 'uses ** with operands that are not literals, which is Math.pow';
  }
  if (node.type === 'AssignmentExpression' && node.operator === '**=') return 'uses **=, which is Math.pow';
  if (node.type !== 'Identifier' || node.name !== 'Math' || isOnlyAName(parents[0], key)) return undefined;
  const [parent] = parents;
  if (parent?.type !== 'MemberExpression' || parent.computed || parent.property.type !== 'Identifier') {
    return 'uses Math as a value, which hides what is taken from it';
  }
  return forbiddenMath.has(parent.property.name) ? `uses Math.${parent.property.name}` : undefined;
}

function localeUse(node: Node, _parents: readonly Node[], key: string): string | undefined {
  if (node.type !== 'Identifier' || key !== 'property' || !localeMember.test(node.name)) return undefined;
  return `uses ${node.name}`;
}

/** Places in which an identifier only names a property or a label, and refers to nothing. */
const namePositions: ReadonlySet<string> = words(
  'MemberExpression.property Property.key PropertyDefinition.key MethodDefinition.key',
  'TSPropertySignature.key TSMethodSignature.key TSQualifiedName.right TSEnumMember.id',
  'ImportSpecifier.imported ExportSpecifier.exported TSNamedTupleMember.label',
  'TSAbstractPropertyDefinition.key TSAbstractMethodDefinition.key AccessorProperty.key',
  'LabeledStatement.label BreakStatement.label ContinueStatement.label',
);

function isOnlyAName(parent: Node | undefined, key: string): boolean {
  if (parent === undefined || !namePositions.has(`${parent.type}.${key}`)) return false;
  return !('computed' in parent && parent.computed === true);
}

function declaredNames(source: SourceFile): Set<string> {
  const names = new Set<string>();
  source.walk((node, parents, key) => {
    if (node.type === 'Identifier' && isBinding(parents, key)) names.add(node.name);
  });
  return names;
}

/** Whether an identifier stands where its name is introduced, patterns included. */
function isBinding(parents: readonly Node[], key: string): boolean {
  const [parent, ...outer] = parents;
  if (parent === undefined) return false;
  switch (parent.type) {
    case 'VariableDeclarator':
      return key === 'id';
    case 'CatchClause':
      return key === 'param';
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
      return key === 'local';
    case 'ObjectPattern':
    case 'ArrayPattern':
    case 'RestElement':
      return isBinding(outer, outer[0] === undefined ? '' : keyOf(outer[0], parent));
    case 'AssignmentPattern':
      return key === 'left' && isBinding(outer, outer[0] === undefined ? '' : keyOf(outer[0], parent));
    case 'Property':
      return key === 'value' && outer[0]?.type === 'ObjectPattern' && isBinding(outer, 'properties');
    default:
      return (
        key === 'params' ||
        (key === 'id' && /^(Function|Class|TS(TypeAlias|Interface|Enum))/.test(parent.type))
      );
  }
}

/** The property of `parent` that holds `child`. */
function keyOf(parent: Node, child: Node): string {
  for (const [key, value] of Object.entries(parent)) {
    if (value === child || (Array.isArray(value) && value.includes(child))) return key;
  }
  return '';
}
