import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import type { CliDependencies } from '../context.ts';
import { CliFailure } from '../failures.ts';
import type { Column } from '../output/table.ts';
import { addListVerb, addVerb, outcome, tableText } from '../verbs.ts';

type ConfigView = Awaited<ReturnType<Client['describeConfig']>>['configs'][number];
type ResourceView = Awaited<ReturnType<Client['listConfigs']>>['resources'][number];
type DefinitionView = Awaited<ReturnType<Client['listConfigDefinitions']>>['definitions'][number];
type Change = Parameters<Client['alterConfig']>[0]['changes'][number];

const named = {
  positional: ['resourceType', 'resourceName'],
  explanations: {
    resourceType: 'topic or broker',
    resourceName: 'a topic’s name, a broker’s id, or default for all brokers',
  },
} as const;

export function addConfigCommands(program: Command, dependencies: CliDependencies): void {
  const config = program.command('config').description('Configs of topics, of brokers, and of all brokers.');
  addListVerb(config, dependencies, {
    name: 'list',
    operation: operations.listConfigs,
    rows: 'resources',
    page: async (client, query, options) => {
      const { resources, continue: next } = await client.listConfigs(query, options);
      return { rows: resources, continue: next };
    },
    columns: resourceColumns,
    none: 'Nothing has a config of its own.',
  });
  addVerb(config, dependencies, {
    name: 'describe',
    operation: operations.describeConfig,
    ...named,
    example: 'config describe topic orders',
    call: (client, input, options) => client.describeConfig(input, options),
    text: ({ configs }, view) => tableText(view, configColumns, configs, 'There is no config.'),
  });
  addVerb(config, dependencies, {
    name: 'alter',
    operation: operations.alterConfig,
    ...named,
    example: 'config alter topic orders --set retention.ms=86400000 --delete cleanup.policy',
    more: { add: addChangeOptions, read: readChanges, hides: ['changes'] },
    call: (client, input, options) => client.alterConfig(input, options),
    text: ({ resourceType, resourceName, changed }, view) => {
      const what = `${changed === 1 ? '1 config' : `${changed} configs`} of ${resourceType} ${resourceName}`;
      return outcome(view, `${what} changed.`, `${what} would change.`);
    },
  });
  addVerb(config, dependencies, {
    name: 'definitions',
    operation: operations.listConfigDefinitions,
    call: (client, input, options) => client.listConfigDefinitions(input, options),
    text: ({ definitions }, view) => tableText(view, definitionColumns, definitions, 'There is none.'),
  });
}

const changeOptions = {
  set: ['name=value', 'set a config'],
  delete: ['name', 'go back to what holds otherwise'],
  append: ['name=value', 'add to a list'],
  subtract: ['name=value', 'take out of a list'],
} as const satisfies Readonly<Record<Change['operation'], readonly [form: string, what: string]>>;

type Changing = keyof typeof changeOptions;

function addChangeOptions(command: Command): Command {
  for (const [operation, [form, what]] of Object.entries(changeOptions)) {
    command.option(`--${operation} <${form}>`, `${what}; may be repeated`, collect, []);
  }
  return command;
}

function collect(text: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, text];
}

function readChanges(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const changes = (Object.keys(changeOptions) as Changing[]).flatMap((operation) =>
    textsOf(options[operation]).map((text) => readChange(operation, text)),
  );
  if (changes.length > 0) return { changes };
  throw new CliFailure(
    'usage',
    'Nothing is to be changed.',
    'Give at least one of --set, --delete, --append and --subtract.',
  );
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function readChange(operation: Changing, text: string): Change {
  if (operation === 'delete') return { name: text, operation };
  const at = text.indexOf('=');
  if (at > 0) return { name: text.slice(0, at), operation, value: text.slice(at + 1) };
  throw new CliFailure(
    'usage',
    `--${operation} ${text} has no value.`,
    `Give one, as in --${operation} ${text === '' ? 'retention.ms' : text}=…`,
  );
}

const resourceColumns: readonly Column<ResourceView>[] = [
  { heading: 'OF', cell: (row) => row.resourceType },
  { heading: 'NAME', cell: (row) => row.resourceName },
  { heading: 'CONFIGS', cell: (row) => row.configCount, align: 'right' },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
];

const sourceTexts: Readonly<Record<ConfigView['source'], string>> = {
  topic: 'this topic',
  broker: 'this broker',
  clusterDefault: 'all brokers',
  default: 'built in',
};

const configColumns: readonly Column<ConfigView>[] = [
  { heading: 'CONFIG', cell: (row) => row.name },
  { heading: 'VALUE', cell: (row) => (row.isSensitive ? '(not shown)' : row.value) },
  { heading: 'FROM', cell: (row) => sourceTexts[row.source] },
  { heading: 'TYPE', cell: (row) => row.type, isWide: true },
];

const definitionColumns: readonly Column<DefinitionView>[] = [
  { heading: 'OF', cell: (row) => row.resourceType },
  { heading: 'CONFIG', cell: (row) => row.name },
  { heading: 'TYPE', cell: (row) => row.type },
  { heading: 'DEFAULT', cell: (row) => row.defaultValue },
  { heading: 'MAY BE', cell: allowedText, isWide: true },
  { heading: 'OTHERWISE FROM', cell: (row) => row.brokerName, isWide: true },
  { heading: 'MEANING', cell: (row) => row.documentation },
];

function allowedText({ allowed, minimum, maximum }: DefinitionView): string | null {
  if (allowed !== null) return allowed.join(', ');
  if (minimum === null && maximum === null) return null;
  if (maximum === null) return `at least ${minimum}`;
  return minimum === null ? `at most ${maximum}` : `${minimum} to ${maximum}`;
}
