import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFolder } from '../../bench/support/project.ts';
import { cliPage } from '../../scripts/documents/cli-page.ts';
import { clientErrorNames, errorsPage } from '../../scripts/documents/errors-page.ts';
import { pages } from '../../scripts/documents/pages.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { readConfigFile } from '../../src/cli/settings/config-file.ts';
import { resolveSection } from '../../src/cli/settings/resolve.ts';
import * as clientErrors from '../../src/client/errors.ts';
import { errorCatalogue } from '../../src/metadata/errors.ts';
import { settingMeanings } from '../../src/server/setting-meanings.ts';
import { effectiveSettings } from '../../src/server/settings.ts';
import { cli } from '../cli/run.ts';
import { folderOfUser } from './blocks.ts';

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

describe('the settings in the page of the command line', () => {
  it('are all that there are, each with its default', () => {
    const defaults = effectiveSettings({});
    if (!defaults.ok) throw new Error(defaults.error);
    const page = cliPage();
    expect(Object.keys(settingMeanings).toSorted()).toEqual(Object.keys(defaults.value).toSorted());
    for (const [name, value] of Object.entries(defaults.value))
      expect(page).toContain(`\n| \`${name}\` | ${value} | `);
  });

  it('stand in a file that a controller and a command take', async () => {
    const path = join(folderOfUser(), 'ottla.yaml');
    writeFileSync(path, /^```yaml\n(.*?)^```$/ms.exec(cliPage())?.[1] ?? '');
    const shown = await cli(['server', 'config', '--config', path, '-o', 'json']);
    expect(shown.err).toBe('');
    const { settings } = JSON.parse(shown.out) as {
      readonly settings: readonly { readonly name: string; readonly value: unknown; readonly from: string }[];
    };
    expect(settings).toContainEqual({ name: 'server.dataDir', value: '/var/lib/ottla/0', from: path });
    const file = await readConfigFile(path);
    const client = resolveSection('client', { file, environment: {}, flags: {} });
    expect(client.get('tokenFile')).toEqual({ value: '/etc/ottla/token', from: path });
  });
});

describe('an error of the catalogue', () => {
  it.each(Object.entries(errorCatalogue))('%s is explained in sentences', (_code, { summary, remedy }) => {
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
  });
});
