import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import type { CliDependencies } from '../context.ts';
import { featureRange, listenersOf } from '../output/registration.ts';
import { renderFields, type Column } from '../output/table.ts';
import { addListVerb, addVerb, outcome, type Verb } from '../verbs.ts';
import { addBrokerStart } from './broker-start.ts';
import { addDrain } from './drain.ts';
import { partitionColumns, type PartitionView } from './partition.ts';

type BrokerView = Awaited<ReturnType<Client['listBrokers']>>['brokers'][number];

const named = { positional: ['brokerId'], explanations: { brokerId: 'the broker’s id' } } as const;

export function addBrokerCommands(program: Command, dependencies: CliDependencies): void {
  const broker = program
    .command('broker')
    .description('Run a reference broker; look at the brokers, hold one, empty one, forget one.');
  addBrokerStart(broker, dependencies);
  addListVerb(broker, dependencies, {
    name: 'list',
    operation: operations.listBrokers,
    description: 'All registered brokers, fenced ones included.',
    rows: 'brokers',
    page: async (client, query, options) => {
      const { brokers, continue: next } = await client.listBrokers(query, options);
      return { rows: brokers, continue: next };
    },
    columns,
    none: 'No broker is registered.',
  });
  addVerb(broker, dependencies, {
    name: 'describe',
    operation: operations.describeBroker,
    ...named,
    description: 'One broker with everything it has registered.',
    call: (client, input, options) => client.describeBroker(input, options),
    text: describeText,
  });
  addListVerb(broker, dependencies, {
    name: 'partitions',
    operation: operations.listBrokerPartitions,
    ...named,
    description: 'The partitions that have a replica on a broker.',
    rows: 'partitions',
    page: async (client, input, options) => {
      const { partitions, continue: next } = await client.listBrokerPartitions(input, options);
      return { rows: partitions, continue: next };
    },
    columns: brokerPartitionColumns,
    none: 'No partition has a replica there.',
  });
  addVerb(broker, dependencies, {
    name: 'producer-ids',
    operation: operations.describeProducerIds,
    call: (client, input, options) => client.describeProducerIds(input, options),
    text: ({ nextProducerId, brokerId, brokerEpoch, lastModified }) =>
      renderFields([
        ['Next producer id', nextProducerId],
        ['Last block went to', brokerId === null ? 'nobody yet' : `broker ${brokerId}, epoch ${brokerEpoch}`],
        ['Last modified at', lastModified ?? 'never'],
      ]),
  });
  addVerb(broker, dependencies, fence);
  addVerb(broker, dependencies, unfence);
  addVerb(broker, dependencies, cordon);
  addVerb(broker, dependencies, uncordon);
  addDrain(broker, dependencies);
  addVerb(broker, dependencies, unregister);
}

/** A broker's partitions are those of many topics, which the list knows by their ids. */
const brokerPartitionColumns: readonly Column<PartitionView>[] = [
  { heading: 'TOPIC ID', cell: (row) => row.topicId },
  ...partitionColumns.filter(({ heading }) => heading !== 'TOPIC ID'),
];

const fence: Verb<typeof operations.fenceBroker> = {
  name: 'fence',
  operation: operations.fenceBroker,
  ...named,
  description: 'Hold a broker: it is fenced once its lease is over, and stays so until: ottla broker unfence',
  call: (client, input, options) => client.fenceBroker(input, options),
  text: ({ brokerId, isFenced }, view) =>
    outcome(
      view,
      `Broker ${brokerId} is held: ${isFenced ? 'it is fenced, and stays so' : 'it will be fenced when its lease is over, which takes at most one session timeout'}.`,
      `Broker ${brokerId} could be held.`,
    ),
};

const unfence: Verb<typeof operations.unfenceBroker> = {
  name: 'unfence',
  operation: operations.unfenceBroker,
  ...named,
  description: 'Let go of a broker that was held; its next heartbeat unfences it, if it has caught up.',
  call: (client, input, options) => client.unfenceBroker(input, options),
  text: ({ brokerId, isFenced }, view) =>
    outcome(
      view,
      `Broker ${brokerId} is held no more${isFenced ? ': its next heartbeat unfences it, if it has caught up' : ''}.`,
      `Broker ${brokerId} could be let go.`,
    ),
};

const cordon: Verb<typeof operations.cordonBroker> = {
  name: 'cordon',
  operation: operations.cordonBroker,
  ...named,
  description:
    'Give a broker no new replicas until: ottla broker uncordon. Those that it has leave by: ottla broker drain',
  call: (client, input, options) => client.cordonBroker(input, options),
  text: ({ brokerId }, view) =>
    outcome(view, `Broker ${brokerId} gets no new replicas.`, `Broker ${brokerId} could be cordoned.`),
};

const uncordon: Verb<typeof operations.uncordonBroker> = {
  name: 'uncordon',
  operation: operations.uncordonBroker,
  ...named,
  description: 'Let a broker that was cordoned get new replicas again.',
  call: (client, input, options) => client.uncordonBroker(input, options),
  text: ({ brokerId }, view) =>
    outcome(view, `Broker ${brokerId} gets new replicas again.`, `Broker ${brokerId} could be uncordoned.`),
};

const unregister: Verb<typeof operations.unregisterBroker> = {
  name: 'unregister',
  operation: operations.unregisterBroker,
  ...named,
  description: 'Forget a fenced broker that will not come back.',
  call: (client, input, options) => client.unregisterBroker(input, options),
  text: ({ brokerId, brokerEpoch }, view) =>
    outcome(
      view,
      `Broker ${brokerId} is no longer registered; its epoch was ${brokerEpoch}.`,
      `Broker ${brokerId} could be forgotten; its epoch is ${brokerEpoch}.`,
    ),
};

const columns: readonly Column<BrokerView>[] = [
  { heading: 'BROKER', cell: (row) => row.brokerId, align: 'right' },
  { heading: 'STATE', cell: stateOf },
  { heading: 'EPOCH', cell: (row) => row.brokerEpoch, align: 'right' },
  { heading: 'RACK', cell: (row) => row.rack },
  { heading: 'LEADS', cell: (row) => row.leaderCount, align: 'right' },
  { heading: 'IN SYNC', cell: (row) => row.isrCount, align: 'right' },
  { heading: 'REPLICAS', cell: (row) => row.replicaCount, align: 'right' },
  { heading: 'LISTENERS', cell: ({ listeners }) => listenersOf(listeners) },
  { heading: 'FEATURES', cell: ({ features }) => features.map(featureRange).join(', '), isWide: true },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
  { heading: 'INCARNATION', cell: (row) => row.incarnationId, isWide: true },
];

function stateOf({ isFenced, inControlledShutdown, isHeld, isCordoned }: BrokerView): string {
  const state = isFenced ? 'fenced' : inControlledShutdown ? 'leaving' : 'unfenced';
  return [state, ...(isHeld ? ['held'] : []), ...(isCordoned ? ['cordoned'] : [])].join(', ');
}

function describeText(broker: BrokerView): string {
  return renderFields([
    ['Broker', broker.brokerId],
    ['State', stateOf(broker)],
    ['Epoch', broker.brokerEpoch],
    ['Rack', broker.rack],
    ['Listeners', listenersOf(broker.listeners)],
    ['Leads', broker.leaderCount],
    ['In sync', broker.isrCount],
    ['Replicas', broker.replicaCount],
    ['Features', broker.features.map(featureRange).join(', ')],
    ['Log directories', broker.logDirs.join(' ')],
    ['Offline directories', broker.offlineLogDirs.join(' ')],
    ['Incarnation', broker.incarnationId],
    ['Last modified at', broker.lastModified],
  ]);
}
