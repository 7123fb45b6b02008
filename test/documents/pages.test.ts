import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFolder } from '../../bench/support/project.ts';
import { cliPage } from '../../scripts/documents/cli-page.ts';
import { clientErrorNames, errorsPage } from '../../scripts/documents/errors-page.ts';
import { pages } from '../../scripts/documents/pages.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import * as clientErrors from '../../src/client/errors.ts';
import { errorCatalogue } from '../../src/metadata/errors.ts';

describe('a page that is made from the code', () => {
  it.each(Object.entries(pages))('%s is what `npm run documents` writes', (path, make) => {
    expect(readFileSync(join(projectFolder, path), 'utf8')).toBe(make());
  });
});

describe('the page of errors', () => {
  it.each(Object.entries(errorCatalogue))('says of %s what it means and what to do', (code, entry) => {
    const page = errorsPage();
    expect(page).toContain(`\n## ${code}\n\nStatus ${entry.status}, `);
    expect(page).toContain(`**What it means:** ${entry.summary}\n\n**What to do:** ${entry.remedy}\n`);
  });

  it('has every error that the SDK throws', () => {
    expect(clientErrorNames).toEqual(expect.arrayContaining(Object.keys(clientErrors)));
    expect(clientErrorNames).toHaveLength(Object.keys(clientErrors).length);
  });
});

describe('the page of the command line', () => {
  it.each(Object.values(exitCodes))('says what exit code $code means', ({ code, meaning }) => {
    expect(cliPage()).toContain(`\n| ${code} | ${meaning} |\n`);
  });

  it('has a section for each command that people use, and none for others', () => {
    const page = cliPage();
    expect(page).toContain('\n### ottla topic create\n');
    expect(page).not.toContain('dev-controller');
  });
});

describe('an error of the catalogue', () => {
  it.each(Object.entries(errorCatalogue))('%s is explained in sentences', (_code, { summary, remedy }) => {
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
  });
});
