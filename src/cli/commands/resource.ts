import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import type { CliDependencies } from '../context.ts';
import { renderFields, type Column } from '../output/table.ts';
import { addListVerb, addVerb, outcome, tableText } from '../verbs.ts';

type KindView = Awaited<ReturnType<Client['listResourceKinds']>>['kinds'][number];
type ResourceView = Awaited<ReturnType<Client['describeResource']>>;

const ofKind = { positional: ['kind'], explanations: { kind: 'the kind’s name, as in quota' } } as const;
const named = {
  positional: ['kind', 'key'],
  explanations: { ...ofKind.explanations, key: 'the key that it stands under' },
} as const;

export function addResourceCommands(program: Command, dependencies: CliDependencies): void {
  const resource = program
    .command('resource')
    .description('Metadata of kinds that programs of your own have defined.');
  addVerb(resource, dependencies, {
    name: 'kinds',
    operation: operations.listResourceKinds,
    call: (client, input, options) => client.listResourceKinds(input, options),
    text: ({ kinds }, view) => tableText(view, kindColumns, kinds, 'No kind was defined for this cluster.'),
  });
  addListVerb(resource, dependencies, {
    name: 'list',
    operation: operations.listResources,
    ...ofKind,
    rows: 'resources',
    page: async (client, input, options) => {
      const { resources, continue: next } = await client.listResources(input, options);
      return { rows: resources, continue: next };
    },
    columns: resourceColumns,
    none: 'Nothing of this kind is there.',
  });
  addVerb(resource, dependencies, {
    name: 'get',
    operation: operations.describeResource,
    ...named,
    call: (client, input, options) => client.describeResource(input, options),
    text: resourceText,
  });
  addVerb(resource, dependencies, {
    name: 'put',
    operation: operations.putResource,
    positional: [...named.positional, 'value'],
    explanations: { ...named.explanations, value: 'the value, as JSON' },
    example: `resource put quota alice '{"bytesPerSecond":1048576}'`,
    // A person writes in the version that the cluster has finalized.
    more: { add: (command) => command, read: () => ({}), hides: ['version'] },
    call: (client, input, options) => client.putResource(input, options),
    text: ({ kind, key }, view) =>
      outcome(view, `${kind} ${key} written.`, `${kind} ${key} could be written.`),
  });
  addVerb(resource, dependencies, {
    name: 'delete',
    operation: operations.deleteResource,
    ...named,
    call: (client, input, options) => client.deleteResource(input, options),
    text: (_answer, view, { kind, key }) =>
      outcome(view, `${kind} ${key} deleted.`, `${kind} ${key} could be deleted.`),
  });
}

const kindColumns: readonly Column<KindView>[] = [
  { heading: 'KIND', cell: (row) => row.name },
  { heading: 'ID', cell: (row) => row.id, align: 'right', isWide: true },
  { heading: 'VERSION', cell: (row) => row.version, align: 'right' },
  {
    heading: 'FINALIZED',
    cell: (row) => (row.finalizedVersion === 0 ? 'no' : row.finalizedVersion),
    align: 'right',
  },
  { heading: 'RESOURCES', cell: (row) => row.resourceCount, align: 'right' },
];

const resourceColumns: readonly Column<ResourceView>[] = [
  { heading: 'KEY', cell: (row) => row.key },
  { heading: 'VALUE', cell: (row) => JSON.stringify(row.value) },
  { heading: 'VERSION', cell: (row) => row.version, align: 'right', isWide: true },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
];

function resourceText({ key, value, version, lastModified }: ResourceView): string {
  return renderFields([
    ['Key', key],
    ['Value', JSON.stringify(value)],
    ['Version', version],
    ['Last modified at', lastModified],
  ]);
}
