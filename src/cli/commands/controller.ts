import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import type { CliDependencies } from '../context.ts';
import { featureRange, listenersOf } from '../output/registration.ts';
import { renderFields, type Column } from '../output/table.ts';
import { addVerb, outcome, tableText } from '../verbs.ts';

type ControllerView = Awaited<ReturnType<Client['describeController']>>;

const named = {
  positional: ['controllerId'],
  explanations: { controllerId: 'the controller’s id' },
} as const;

export function addControllerCommands(program: Command, dependencies: CliDependencies): void {
  const controller = program
    .command('controller')
    .description('Controllers that have registered. How far each one is says: ottla quorum describe');
  addVerb(controller, dependencies, {
    name: 'list',
    operation: operations.listControllers,
    call: (client, input, options) => client.listControllers(input, options),
    text: ({ controllers }, view) => tableText(view, columns, controllers, 'No controller has registered.'),
  });
  addVerb(controller, dependencies, {
    name: 'describe',
    operation: operations.describeController,
    ...named,
    call: (client, input, options) => client.describeController(input, options),
    text: describeText,
  });
  addVerb(controller, dependencies, {
    name: 'unregister',
    operation: operations.unregisterController,
    ...named,
    call: (client, input, options) => client.unregisterController(input, options),
    text: (_answer, view, { controllerId }) =>
      outcome(
        view,
        `Controller ${controllerId} is no longer registered. Where it runs, it registers again.`,
        `Controller ${controllerId} could be forgotten.`,
      ),
  });
}

const columns: readonly Column<ControllerView>[] = [
  { heading: 'CONTROLLER', cell: (row) => row.controllerId, align: 'right' },
  { heading: 'LISTENERS', cell: ({ listeners }) => listenersOf(listeners) },
  { heading: 'FEATURES', cell: ({ features }) => features.map(featureRange).join(', ') },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
  { heading: 'INCARNATION', cell: (row) => row.incarnationId, isWide: true },
];

function describeText(controller: ControllerView): string {
  return renderFields([
    ['Controller', controller.controllerId],
    ['Listeners', listenersOf(controller.listeners)],
    ['Features', controller.features.map(featureRange).join(', ')],
    ['Incarnation', controller.incarnationId],
    ['Last modified at', controller.lastModified],
  ]);
}
