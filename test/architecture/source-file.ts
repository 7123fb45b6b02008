import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Node, parseSync } from 'oxc-parser';

const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Violation {
  readonly line: number;
  readonly message: string;
}

/** One module that a file names, whatever the syntax it names it with. */
export interface Import {
  readonly specifier: string;
  /** Erased before it runs, so that it loads nothing. */
  readonly typeOnly: boolean;
  /** Loaded only when execution comes by. */
  readonly dynamic: boolean;
  readonly start: number;
}

/** `parents` are the nodes around `node`, the nearest first; `key` is the parent's property that holds it. */
export type Visit = (node: Node, parents: readonly Node[], key: string) => void;

export interface SourceFile {
  /** From the project's root, with forward slashes: `src/raft/vote.ts`. */
  readonly path: string;
  readonly text: string;
  readonly walk: (visit: Visit) => void;
  readonly violation: (start: number, message: string) => Violation;
}

export function parseSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text, { sourceType: 'module' });
  const [error] = parsed.errors;
  if (error !== undefined) throw new Error(`${path} cannot be parsed: ${error.message}`);
  const { program } = parsed;
  return {
    path,
    text,
    walk: (visit) => walkNode(program, [], '', visit),
    violation: (start, message) => ({ line: text.slice(0, start).split('\n').length, message }),
  };
}

function walkNode(node: Node, parents: readonly Node[], key: string, visit: Visit): void {
  visit(node, parents, key);
  const inner = [node, ...parents];
  for (const [name, value] of Object.entries(node)) {
    if (name === 'parent') continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walkNode(child, inner, name, visit);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

export function importsOf(source: SourceFile): Import[] {
  const found: Import[] = [];
  source.walk((node) => {
    const { start } = node;
    switch (node.type) {
      case 'ImportDeclaration':
        found.push(staticImport(node.source.value, node.importKind, start));
        break;
      case 'ExportAllDeclaration':
        found.push(staticImport(node.source.value, node.exportKind, start));
        break;
      case 'ExportNamedDeclaration':
        if (node.source !== null) found.push(staticImport(node.source.value, node.exportKind, start));
        break;
      case 'TSImportType':
        found.push({ specifier: node.source.value, typeOnly: true, dynamic: false, start });
        break;
      case 'ImportExpression':
        found.push({ specifier: literalText(node.source), typeOnly: false, dynamic: true, start });
        break;
      default:
        break;
    }
  });
  return found;
}

function staticImport(specifier: string, kind: 'type' | 'value' | undefined, start: number): Import {
  return { specifier, typeOnly: kind === 'type', dynamic: false, start };
}

/** A computed specifier gives an empty text, which no rule allows where imports are restricted. */
function literalText(node: Node): string {
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : '';
}

/** The project file that `specifier` means, or undefined when it means a package or a part of Node.js. */
export function resolveInProject(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(from), specifier);
}

/** `@scope/name/part` and `name/part` without their part. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Reads every file below `folders` whose name ends in one of `endings`, in the order of their paths. */
export function readProject(
  folders: readonly string[],
  endings: readonly string[],
): { path: string; text: string }[] {
  return folders
    .flatMap((folder) => listFiles(join(projectRoot, folder)))
    .filter((file) => endings.some((ending) => file.endsWith(ending)))
    .map((file) => ({
      path: relative(projectRoot, file).split(sep).join('/'),
      text: readFileSync(file, 'utf8'),
    }))
    .sort((left, right) => (left.path < right.path ? -1 : 1));
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    // A folder of the plan that nobody has filled yet holds no violation.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** How a failing test shows what it found: one line each, to be opened with a click. */
export function describeViolations(path: string, violations: readonly Violation[]): string[] {
  return violations.map(({ line, message }) => `${path}:${line} ${message}`);
}

/** A set of words, each line of them separated by blanks. */
export function words(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(' ')));
}
