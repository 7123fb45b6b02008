import type { Command } from 'commander';
import { nodeOperations as operations } from '../../client/protocol/node-operations.ts';
import type { CliDependencies } from '../context.ts';
import { duration, renderFields } from '../output/table.ts';
import { addVerb } from '../verbs.ts';

export function addClusterCommands(program: Command, dependencies: CliDependencies): void {
  const cluster = program.command('cluster').description('The cluster as a whole.');
  addVerb(cluster, dependencies, {
    name: 'describe',
    operation: operations.getCluster,
    description: 'Which cluster this is, who leads it, and which controllers vote.',
    call: (client) => client.getCluster(),
    text: (view) =>
      renderFields([
        ['Cluster', view.clusterId],
        ['Leader', view.leaderId === null ? 'nobody' : `controller ${view.leaderId}`],
        ['Epoch', view.epoch],
        [
          'Voters',
          view.controllers.map(({ id, endpoint }) => `${id}@${endpoint.host}:${endpoint.port}`).join(' '),
        ],
        ['Broker session timeout', duration(view.brokerSessionTimeoutMs)],
        ['As seen by', `controller ${view.nodeId}`],
      ]),
  });
}
