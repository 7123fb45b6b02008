import type { Command } from 'commander';
import type { CliDependencies } from '../context.ts';
import { CliFailure } from '../failures.ts';
import { withOutputOption } from '../context.ts';
import { show, type OutputForm } from '../output/forms.ts';
import { renderTable, type Column } from '../output/table.ts';
import { style } from '../output/terminal.ts';
import { withSettings } from '../settings/options.ts';
import type { Resolved } from '../settings/resolve.ts';

type Row = { readonly name: string; readonly value: unknown; readonly from: string };

/** `ottla server config`: with which values a server would start, and where each one comes from. */
export function addServerConfigCommand(server: Command, dependencies: CliDependencies): void {
  const { terminal, environment } = dependencies;
  let resolved: ReadonlyMap<string, Resolved> = new Map();
  const command = withOutputOption(server.command('config'));
  withSettings(command, 'server', environment, (values) => {
    resolved = values;
  })
    .description('Show with which values a server would start, and where each one comes from.')
    .addHelpText(
      'after',
      '\nA file counts before a default, a variable before a file, a flag before all of them.',
    )
    .action(async ({ output }: { readonly output: OutputForm }) => {
      const rows = [...ownRows(resolved), ...(await controllerRows(resolved, dependencies))];
      await show(terminal, output, { settings: rows }, () =>
        renderTable(columns, rows, (heading) => style(terminal, 'bold', heading)),
      );
    });
}

function ownRows(resolved: ReadonlyMap<string, Resolved>): readonly Row[] {
  return [...resolved]
    .filter(([name]) => name !== 'set')
    .map(([name, { value, from }]) => ({ name: `server.${name}`, value, from }));
}

/** What `--set` changes, and all that it does not. */
async function controllerRows(
  resolved: ReadonlyMap<string, Resolved>,
  { resolveServerSettings }: CliDependencies,
): Promise<readonly Row[]> {
  const set = resolved.get('set');
  const given = settingsOf(Array.isArray(set?.value) ? set.value.map(String) : []);
  const all = await resolveServerSettings(given);
  if (!all.ok) throw new CliFailure('usage', all.error, 'Correct server.set, or --set.');
  return Object.entries(all.value).map(([name, value]) => ({
    name: `server.set ${name}`,
    value,
    from: Object.hasOwn(given, name) ? (set?.from ?? '') : 'default',
  }));
}

/** `name=number`, checked already. Whether there is such a setting and it may have this value says the server. */
export function settingsOf(texts: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    texts.map((text) => {
      const [name = '', number = ''] = text.split('=');
      return [name, Number(number)];
    }),
  );
}

const columns: readonly Column<Row>[] = [
  { heading: 'SETTING', cell: (row) => row.name },
  { heading: 'VALUE', cell: (row) => textOf(row.value) },
  { heading: 'FROM', cell: (row) => row.from },
];

function textOf(value: unknown): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return Array.isArray(value) ? value.map(String).join(',') : String(value);
}
