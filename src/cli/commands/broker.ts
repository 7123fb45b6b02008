import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import {
  endpointsOf,
  show,
  withClient,
  withClusterOptions,
  type CliDependencies,
  type ClusterOptions,
} from '../context.ts';
import { showList, withListOptions, type ListOptions } from '../listing.ts';
import { addFieldOptions, readFields } from '../operation-fields.ts';
import { renderFields, renderTable, type Column } from '../output/table.ts';
import { style, type Terminal } from '../output/terminal.ts';

export type BrokerView = Awaited<ReturnType<Client['listBrokers']>>['brokers'][number];

export function addBrokerCommands(program: Command, dependencies: CliDependencies): void {
  const { environment, terminal } = dependencies;
  const broker = program.command('broker').description('Look at the brokers, and forget one that is gone.');
  withListOptions(withClusterOptions(broker.command('list'), environment))
    .description('All registered brokers, fenced ones included.')
    .action((options: ClusterOptions & ListOptions) =>
      showList(options, terminal, {
        name: 'brokers',
        fetchPage: async (client, query) => {
          const { brokers, continue: next } = await client.listBrokers(query);
          return { rows: brokers, continue: next };
        },
        table: (rows) => brokerTable(rows, terminal),
      }),
    );
  addDescribe(broker, dependencies);
  addUnregister(broker, dependencies);
}

function addDescribe(broker: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.describeBroker;
  const command = withClusterOptions(broker.command('describe'), environment);
  addFieldOptions(command, operation, ['brokerId'], explanations)
    .description('One broker with everything it has registered.')
    .action(async (id: string, options: ClusterOptions) => {
      const input = readFields(operation, ['brokerId'], [id], {});
      const view = await withClient(options, endpointsOf(options), (client) =>
        client.describeBroker({ brokerId: Number(input['brokerId']) }),
      );
      show(terminal, options.output, view, () => describeText(view));
    });
}

function addUnregister(broker: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.unregisterBroker;
  const command = withClusterOptions(broker.command('unregister'), environment);
  addFieldOptions(command, operation, ['brokerId'], explanations)
    .description('Forget a fenced broker that will not come back.')
    .action(async (id: string, options: ClusterOptions) => {
      const input = readFields(operation, ['brokerId'], [id], {});
      const done = await withClient(options, endpointsOf(options), (client) =>
        client.unregisterBroker({ brokerId: Number(input['brokerId']) }),
      );
      const line = `Broker ${done.brokerId} is no longer registered; its epoch was ${done.brokerEpoch}.\n`;
      show(terminal, options.output, done, () => line);
    });
}

const explanations = { brokerId: 'the broker’s id' } as const;

const columns: readonly Column<BrokerView>[] = [
  { heading: 'BROKER', cell: (row) => row.brokerId, align: 'right' },
  { heading: 'STATE', cell: stateOf },
  { heading: 'EPOCH', cell: (row) => row.brokerEpoch, align: 'right' },
  { heading: 'RACK', cell: (row) => row.rack },
  { heading: 'LEADS', cell: (row) => row.leaderCount, align: 'right' },
  { heading: 'IN SYNC', cell: (row) => row.isrCount, align: 'right' },
  { heading: 'REPLICAS', cell: (row) => row.replicaCount, align: 'right' },
  { heading: 'LISTENERS', cell: listenersOf },
];

export function brokerTable(brokers: readonly BrokerView[], terminal: Terminal): string {
  if (brokers.length === 0) return 'No broker is registered.\n';
  return renderTable(columns, brokers, (heading) => style(terminal, 'bold', heading));
}

function stateOf({ isFenced, inControlledShutdown }: BrokerView): string {
  if (isFenced) return 'fenced';
  return inControlledShutdown ? 'leaving' : 'unfenced';
}

function listenersOf({ listeners }: BrokerView): string {
  return listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join(' ');
}

export function describeText(broker: BrokerView): string {
  const features = broker.features.map(
    ({ name, minSupportedVersion: min, maxSupportedVersion: max }) => `${name} ${min} to ${max}`,
  );
  return renderFields([
    ['Broker', broker.brokerId],
    ['State', stateOf(broker)],
    ['Epoch', broker.brokerEpoch],
    ['Rack', broker.rack],
    ['Listeners', listenersOf(broker)],
    ['Leads', broker.leaderCount],
    ['In sync', broker.isrCount],
    ['Replicas', broker.replicaCount],
    ['Features', features.join(', ')],
    ['Log directories', broker.logDirs.join(' ')],
    ['Incarnation', broker.incarnationId],
    ['Last modified at', broker.lastModified],
  ]);
}
