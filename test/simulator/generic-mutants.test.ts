import { readFileSync } from 'node:fs';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
import { readMutants } from '../../simulator/mutants/generic/all-mutants.ts';
import { equivalentMutants } from '../../simulator/mutants/generic/equivalent.ts';
import { generateMutants } from '../../simulator/mutants/generic/generate.ts';
import {
  type GenericMutant,
  mutantId,
  mutatedText,
  type OperatorName,
  operatorNames,
} from '../../simulator/mutants/generic/generic-mutant.ts';
import { operators } from '../../simulator/mutants/generic/operators.ts';
import { sampleMutants } from '../../simulator/mutants/generic/sample.ts';

/** The texts that an operator makes of a snippet. */
function made(operator: OperatorName, text: string): string[] {
  return generateMutants('file.ts', text)
    .filter((mutant) => mutant.operator === operator)
    .map((mutant) => mutatedText(text, mutant));
}

describe('an operator', () => {
  it('negates tests, and comparisons and negations that are values', () => {
    const negated = (text: string): string[] => made('condition negated', text);
    expect(negated('if (a < b) f();')).toEqual(['if (!(a < b)) f();']);
    expect(negated('while (a) f();')).toEqual(['while (!(a)) f();']);
    expect(negated('const x = a === b ? c : d;')).toEqual(['const x = !(a === b) ? c : d;']);
    expect(negated('const x = a !== b;')).toEqual(['const x = !(a !== b);']);
    expect(negated('f(!a);')).toEqual(['f(a);']);
  });

  it('swaps the operator between two conditions and drops either of them', () => {
    const text = 'const x = a && b < c;';
    expect(made('condition operator swapped', text)).toEqual(['const x = ((a) || (b < c));']);
    expect(made('condition side dropped', text)).toEqual(['const x = a;', 'const x = b < c;']);
    expect(made('condition side dropped', 'const x = a ?? b;')).toEqual([]);
  });

  it('shifts a comparison by one', () => {
    const shifted = (text: string): string[] => made('comparison off by one', text);
    expect(shifted('f(a < b, a <= b);')).toEqual(['f(a <= b, a <= b);', 'f(a < b, a < b);']);
    expect(shifted('f(a > b, a >= b);')).toEqual(['f(a >= b, a >= b);', 'f(a > b, a > b);']);
  });

  it('leaves out an added or subtracted one, and no other number', () => {
    expect(made('arithmetic off by one', 'f(a + 1, b - 1, c + 2);')).toEqual([
      'f(a, b - 1, c + 2);',
      'f(a + 1, b, c + 2);',
    ]);
  });

  it('flips constants, but not those of types', () => {
    expect(made('constant flipped', 'const a: true | null = true;')).toEqual([
      'const a: true | null = false;',
    ]);
  });

  it('drops what the core asks of its shell, and other calls and assignments of which no value is used', () => {
    const text = 'core.effects.push(a); f(b); c?.d(); yield_(); e = g(h); i += 1; j++; const k = f(l);';
    expect(made('effect dropped', text)).toHaveLength(1);
    expect(made('call dropped', text)).toHaveLength(3);
    expect(made('assignment dropped', text)).toHaveLength(3);
    expect(made('call dropped', 'function* f() { yield* g(); }')).toEqual(['function* f() { ; }']);
  });

  it('removes what messages and names wait for', () => {
    const removed = (text: string): string[] => made('barrier removed', text);
    expect(removed('push({ to, message, after: gate });')).toEqual(['push({ to, message,  });']);
    expect(removed('push({ after: gate, to });')).toEqual(['push({ to });']);
    expect(removed("submitFile({ kind: 'pwriteDurably', bytes });")).toEqual([
      "submitFile({ kind: 'pwrite', bytes });",
    ]);
    expect(removed("function* f() { return yield* submitFile({ kind: 'fdatasync', handle }); }")).toEqual([
      'function* f() { return ({ ok: true, value: null }); }',
    ]);
    expect(removed("function* f() { return yield* submitFile({ kind: 'pwrite', handle }); }")).toEqual([]);
    expect(removed('function* f() { return yield* removeDurably(a, b); }')[0]).toContain(
      "{ kind: 'remove', path }",
    );
  });

  it('drops early ends of a function or a turn of a loop, and no last ones', () => {
    const dropped = (text: string): string[] => made('early return dropped', text);
    expect(dropped('function f() { if (a) return b; return c; }')).toEqual([
      'function f() { if (a) ; return c; }',
    ]);
    expect(dropped('for (const a of b) { if (c) continue; d(); }')).toEqual([
      'for (const a of b) { if (c) ; d(); }',
    ]);
    expect(dropped('function f() { if (a) { b(); return; } c(); }')).toEqual([
      'function f() { if (a) { b(); ; } c(); }',
    ]);
  });

  it('lets assertions, coverage marks, errors, types and imports be', () => {
    const text = [
      "import { a } from './a.ts';",
      "assert(b < c, 'told');",
      "const d = assertDefined(e[f + 1], 'there');",
      "if (g === null) violated('no g');",
      "coverageMark('f: is reached');",
      "if (h) throw new Error('h');",
      'type I = true;',
    ].join('\n');
    expect(generateMutants('file.ts', text)).toEqual([]);
  });
});

describe('a generic mutant', () => {
  it('is named by its place, and keeps its hash where lines move', () => {
    const text = 'function f() {\n  if (a) return;\n  b();\n}';
    const [mutant] = generateMutants('src/x.ts', text);
    const [moved] = generateMutants('src/x.ts', `// A line more.\n${text}`);
    expect(mutant === undefined ? '' : mutantId(mutant)).toBe('src/x.ts:2:7 condition negated');
    expect(moved?.line).toBe(3);
    expect(moved?.hash).toBe(mutant?.hash);
  });

  it('has a hash of its own where the same line stands twice', () => {
    const hashes = generateMutants('file.ts', 'f(a);\nf(a);').map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(2);
  });
});

describe('the generic mutants', () => {
  const all = readMutants();

  it('are made by every operator, and each has its hash alone', () => {
    expect(new Set(all.map(({ operator }) => operator))).toEqual(new Set(operatorNames));
    expect(Object.keys(operators)).toEqual([...operatorNames]);
    expect(new Set(all.map(({ hash }) => hash)).size).toBe(all.length);
  });

  it('are programs', () => {
    const faults = sampleMutants(all, 0.1).flatMap((mutant) => {
      const text = mutatedText(readFileSync(mutant.file, 'utf8'), mutant);
      return parseSync(mutant.file, text).errors.map(({ message }) => `${mutantId(mutant)}: ${message}`);
    });
    expect(faults).toEqual([]);
  });

  it('are the same in a sample each time, and all in a larger one', () => {
    const small = sampleMutants(all, 0.1);
    const large = new Set(sampleMutants(all, 0.2));
    expect(small.length).toBeGreaterThan(all.length * 0.08);
    expect(small.length).toBeLessThan(all.length * 0.12);
    expect(small.filter((mutant) => !large.has(mutant))).toEqual([]);
    expect(sampleMutants(all, 1)).toEqual(all);
  });

  it('that are called equivalent are there still', () => {
    const known = new Map<string, GenericMutant>(all.map((mutant) => [mutant.hash, mutant]));
    const gone = Object.entries(equivalentMutants).filter(([hash]) => !known.has(hash));
    expect(gone).toEqual([]);
  });
});
