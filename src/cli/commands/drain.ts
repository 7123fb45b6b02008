import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import {
  callOptionsOf,
  endpointsOf,
  withClient,
  withClusterOptions,
  withDryRun,
  type CliDependencies,
  type ClusterOptions,
  type DryRunOption,
} from '../context.ts';
import { CliFailure } from '../failures.ts';
import { readFields } from '../operation-fields.ts';
import { show } from '../output/forms.ts';
import type { Column } from '../output/table.ts';
import { outcome, tableText } from '../verbs.ts';

type Answered = Awaited<ReturnType<Client['drainBroker']>>;
type Drained = Pick<Answered, 'brokerId' | 'replicaCount' | 'reassigned' | 'moving' | 'blockers'>;

/** Replicas leave a broker, as many calls as it takes; what has to stay is named, and makes the command fail. */
export function addDrain(broker: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.drainBroker;
  withDryRun(withClusterOptions(broker.command('drain'), environment))
    .argument('<broker-id>', 'the broker’s id')
    .description(
      'Cordon a broker and move its replicas to others; with --dry-run, say what would stand in the way.',
    )
    .addHelpText(
      'after',
      '\nExample:\n  ottla broker drain 3 --dry-run\n\nIt can be asked again at any time: what is under way goes on, and what is left is moved.',
    )
    .action(async (text: string, options: ClusterOptions & DryRunOption) => {
      const { brokerId } = readFields(operation, ['brokerId'], [text], {}) as { readonly brokerId: number };
      const drained = await withClient(options, endpointsOf(options), (client) =>
        drainAll(client, brokerId, options),
      );
      const isDryRun = options.dryRun === true;
      await show(terminal, options.output, drained, (isWide) =>
        drained.blockers.length === 0
          ? said(drained, isDryRun)
          : `${said(drained, isDryRun)}${tableText({ terminal, isWide }, columns, drained.blockers, '')}`,
      );
      if (drained.blockers.length > 0) throw blocked(drained);
    });
}

async function drainAll(client: Client, brokerId: number, options: DryRunOption): Promise<Drained> {
  const callOptions = { ...callOptionsOf(options), exactlyOnce: false };
  const blockers: Answered['blockers'] = [];
  let [reassigned, moving] = [0, 0];
  for (let next: string | null = null; ; ) {
    const asked = next === null ? { brokerId } : { brokerId, continue: next };
    const answer: Answered = await client.drainBroker(asked, callOptions);
    blockers.push(...answer.blockers);
    reassigned += answer.reassigned;
    moving += answer.moving;
    next = answer.continue;
    if (next === null) return { brokerId, replicaCount: answer.replicaCount, reassigned, moving, blockers };
  }
}

function said({ brokerId, replicaCount, reassigned, moving }: Drained, isDryRun: boolean): string {
  const broker = `Broker ${brokerId}`;
  if (replicaCount === 0) {
    return outcome(
      { isDryRun },
      `${broker} is cordoned and has no replica: it can be stopped.`,
      `${broker} has no replica.`,
    );
  }
  const under = moving === 0 ? '' : `; ${moving} more leave it already`;
  return outcome(
    { isDryRun },
    `${broker} is cordoned; ${reassigned} of its replicas move to others${under}. See how far they are: ottla reassignment list`,
    `${broker} could be drained of ${reassigned} replicas${under}.`,
  );
}

function blocked({ brokerId, blockers }: Drained): CliFailure {
  const count = blockers.length === 1 ? '1 replica' : `${blockers.length} replicas`;
  return new CliFailure(
    'conflict',
    `${count} of broker ${brokerId} cannot leave it.`,
    'Each has its reason above; once that is gone, ask again with the same command.',
  );
}

const columns: readonly Column<Answered['blockers'][number]>[] = [
  { heading: 'TOPIC', cell: (row) => row.topic },
  { heading: 'PARTITION', cell: (row) => row.partition, align: 'right' },
  { heading: 'BLOCKED BY', cell: (row) => row.code },
  { heading: 'WHY', cell: (row) => row.message },
];
