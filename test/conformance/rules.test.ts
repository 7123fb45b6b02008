import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFolder } from '../../bench/support/project.ts';
import { rulesTable } from '../../scripts/documents/rules-table.ts';
import { rules } from '../../src/conformance/rules.ts';

const page = readFileSync(join(projectFolder, 'docs', 'BROKERS.md'), 'utf8');
/** Each rule with its text, up to the next one. */
const written = [...page.matchAll(/^- \*\*([\w-]+)\*\*\. ([^]*?)(?=^- \*\*|^#|^```|^$)/gm)];

describe('the rules of the kit', () => {
  it('are those of the protocol, in its order', () => {
    expect(rules.map(({ name }) => name)).toEqual(written.map(([, name]) => name));
  });

  it.each(written.map(([, name = '', text = '']) => [name, text]))(
    'have %s with its strictest word',
    (name, text) => {
      const strictest = text.includes('**must**') ? 'must' : 'should';
      expect(rules.find((rule) => rule.name === name)?.level).toBe(strictest);
    },
  );

  it('stand in the protocol with whether the kit sees them', () => {
    expect(page).toContain(rulesTable());
  });
});
