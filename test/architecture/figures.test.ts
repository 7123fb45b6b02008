import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageWithFigures } from '../../bench/figures.ts';
import { projectFolder } from '../../bench/support/project.ts';

describe('the figures of docs/ARCHITECTURE.md', () => {
  it('are those of bench/results; if not, `npm run bench -- figures` writes them', () => {
    const page = readFileSync(join(projectFolder, 'docs', 'ARCHITECTURE.md'), 'utf8');
    expect(page).toBe(pageWithFigures(page));
  });
});
