import type { Node } from 'oxc-parser';
import { coverageMarks } from '../../src/base/coverage-marks.ts';
import { importsOf, resolveInProject, type SourceFile, type Violation } from './source-file.ts';

/** Where marks are listed and heard. */
export const marksFile = 'src/base/coverage-marks.ts';

/** One place in production code that names a mark. */
export interface CoverageSite {
  readonly path: string;
  readonly mark: string;
}

/**
 * A mark must be called by a literal name, so that a look at the text finds its place, and as a statement of
 * its own, so that nothing can rest on what it gives back.
 */
export function coverageViolations(source: SourceFile): Violation[] {
  if (source.path === marksFile) return [];
  const found: Violation[] = [];
  source.walk((node, [parent]) => {
    const message = hearing(source.path, node) ?? siteFault(node, parent);
    if (message !== undefined) found.push(source.violation(node.start, message));
  });
  return found;
}

export function coverageSites(sources: readonly SourceFile[]): CoverageSite[] {
  const sites: CoverageSite[] = [];
  for (const source of sources) {
    if (!importsOf(source).some(({ specifier }) => resolveInProject(source.path, specifier) === marksFile))
      continue;
    source.walk((node) => {
      const mark = isMarkCall(node) ? markOf(node) : undefined;
      if (mark !== undefined) sites.push({ path: source.path, mark });
    });
  }
  return sites;
}

/** Marks of the list that no place names, and those that several do. */
export function misplacedMarks(sites: readonly CoverageSite[]): readonly string[] {
  return coverageMarks.flatMap((mark) => {
    const places = sites.filter((site) => site.mark === mark).map(({ path }) => path);
    if (places.length === 1) return [];
    return [places.length === 0 ? `${mark}: nowhere` : `${mark}: ${places.join(', ')}`];
  });
}

type Call = Extract<Node, { type: 'CallExpression' }>;

function isMarkCall(node: Node): node is Call {
  return (
    node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 'coverageMark'
  );
}

function markOf({ arguments: given }: Call): string | undefined {
  const [name] = given;
  return name?.type === 'Literal' && typeof name.value === 'string' ? name.value : undefined;
}

/** Production code only speaks. */
function hearing(path: string, node: Node): string | undefined {
  if (!path.startsWith('src/') || node.type !== 'Identifier') return undefined;
  return node.name === 'hearCoverageMarks' ? 'listens to coverage marks' : undefined;
}

function siteFault(node: Node, parent: Node | undefined): string | undefined {
  if (node.type === 'Identifier' && node.name === 'coverageMark') {
    const isCalled = parent !== undefined && isMarkCall(parent) && parent.callee === node;
    return isCalled || parent?.type === 'ImportSpecifier' ? undefined : 'hands coverageMark on';
  }
  if (!isMarkCall(node)) return undefined;
  if (markOf(node) === undefined) return 'passes a coverage mark whose name is no literal';
  return parent?.type === 'ExpressionStatement' ? undefined : 'uses what a coverage mark gives back';
}
