import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { nodeOperations } from '../../client/protocol/node-operations.ts';
import { quorumOperations } from '../../runtime/quorum-operations/definitions.ts';
import {
  endpointsOf,
  withClient,
  withClusterOptions,
  type CliDependencies,
  type ClusterOptions,
} from '../context.ts';
import { answersOf, askEach, ownAnswerOptions } from '../each-endpoint.ts';
import { addFieldOptions, readFields } from '../operation-fields.ts';
import { show } from '../output/forms.ts';
import { duration, renderFields, type Column } from '../output/table.ts';
import { addVerb, outcome, tableText } from '../verbs.ts';

type VoterView = Awaited<ReturnType<Client['describeVoter']>>;

const explanations = {
  controllerId: 'the controller’s id',
  directoryId: 'the id of its directory, where one id has several',
  host: 'where its peers reach it; what it has registered when absent',
  port: 'the port where its peers reach it; what it has registered when absent',
  preferredSuccessor: 'who is to lead; whichever voter is furthest when absent',
} as const;

const named = { positional: ['controllerId'], explanations } as const;

/** Who votes, and who leads. */
export function addVoterCommands(quorum: Command, dependencies: CliDependencies): void {
  addVoters(quorum, dependencies);
  addVoter(quorum, dependencies);
  addVerb(quorum, dependencies, {
    name: 'add-voter',
    operation: quorumOperations.addVoter,
    ...named,
    example: 'quorum add-voter 3',
    call: (client, input, options) => client.addVoter(input, options),
    text: ({ controllerId, directoryId }, view) =>
      outcome(
        view,
        `Controller ${controllerId} is a voter, with directory ${directoryId}.`,
        `Controller ${controllerId} could be made a voter, with directory ${directoryId}.`,
      ),
  });
  addVerb(quorum, dependencies, {
    name: 'remove-voter',
    operation: quorumOperations.removeVoter,
    ...named,
    call: (client, input, options) => client.removeVoter(input, options),
    text: ({ controllerId }, view) =>
      outcome(
        view,
        `Controller ${controllerId} is no voter any more; where it runs, it goes on as an observer.`,
        `Controller ${controllerId} could be taken out of the voters.`,
      ),
  });
  addTransfer(quorum, dependencies);
}

function addVoters(quorum: Command, { terminal, environment }: CliDependencies): void {
  withClusterOptions(quorum.command('voters'), environment)
    .description('The voters, and how far each one is.')
    .action(async (options: ClusterOptions) => {
      const answer = await askBest(
        options,
        (client) => client.listVoters({}, ownAnswerOptions),
        knowsProgress,
      );
      await show(terminal, options.output, answer, (isWide) =>
        tableText({ terminal, isWide }, columns, answer.voters, 'There is no voter.'),
      );
    });
}

function addVoter(quorum: Command, { terminal, environment }: CliDependencies): void {
  const operation = nodeOperations.describeVoter;
  const command = withClusterOptions(quorum.command('voter'), environment);
  addFieldOptions(command, operation, named.positional, explanations)
    .description('One voter, and how far it is.')
    .action(async (id: string, options: ClusterOptions) => {
      const controllerId = Number(readFields(operation, named.positional, [id], {})['controllerId']);
      const ask = (client: Client) => client.describeVoter({ controllerId }, ownAnswerOptions);
      const voter = await askBest(options, ask, (view) => view.lag !== null);
      await show(terminal, options.output, voter, () => describeText(voter));
    });
}

function knowsProgress({ voters }: { readonly voters: readonly VoterView[] }): boolean {
  return voters.some(({ lag }) => lag !== null);
}

/** The leader alone knows how far the others are, so that all are asked, and it is preferred. */
async function askBest<Value>(
  options: ClusterOptions,
  ask: (client: Client) => Promise<Value>,
  isBest: (answer: Value) => boolean,
): Promise<Value> {
  const asked = await askEach(options, ask);
  const answers = answersOf(asked);
  const best = answers.find(isBest) ?? answers[0];
  // Who answers and refuses has something to say: it is asked once more, for all of its words.
  return best ?? (await withClient(options, endpointsOf(options), ask));
}

function addTransfer(quorum: Command, dependencies: CliDependencies): void {
  addVerb(quorum, dependencies, {
    name: 'transfer-leader',
    operation: quorumOperations.transferLeadership,
    explanations,
    example: 'quorum transfer-leader --preferred-successor 1',
    call: (client, input, options) => client.transferLeadership(input, options),
    text: ({ resignedLeader, resignedEpoch, preferredSuccessor }, view) => {
      const who = preferredSuccessor === null ? 'another voter' : `controller ${preferredSuccessor}`;
      return outcome(
        view,
        `Controller ${resignedLeader} has resigned from epoch ${resignedEpoch} in favour of ${who}. See who leads with: ottla quorum status`,
        `Controller ${resignedLeader} could resign from epoch ${resignedEpoch} in favour of ${who}.`,
      );
    },
  });
}

const columns: readonly Column<VoterView>[] = [
  { heading: 'VOTER', cell: (row) => row.controllerId, align: 'right' },
  { heading: 'LEADS', cell: (row) => row.isLeader },
  { heading: 'PEER ADDRESS', cell: addressOf },
  { heading: 'LOG END', cell: (row) => row.logEndOffset, align: 'right' },
  { heading: 'LAG', cell: (row) => row.lag, align: 'right' },
  { heading: 'LAST FETCH', cell: (row) => duration(row.lastFetchMs), isWide: true },
  { heading: 'KRAFT VERSIONS', cell: versionsOf, isWide: true },
  { heading: 'DIRECTORY ID', cell: (row) => row.directoryId },
];

function describeText(voter: VoterView): string {
  return renderFields([
    ['Voter', voter.controllerId],
    ['Leads', voter.isLeader],
    ['Peer address', addressOf(voter)],
    ['Directory id', voter.directoryId],
    ['KRaft versions', versionsOf(voter)],
    ['Log end', voter.logEndOffset],
    ['Lag', voter.lag],
    ['Last fetch', duration(voter.lastFetchMs)],
    ['Last caught up', duration(voter.lastCaughtUpMs)],
  ]);
}

function addressOf({ endpoint }: VoterView): string {
  return `${endpoint.host}:${endpoint.port}`;
}

function versionsOf({ kraftVersions }: VoterView): string {
  return `${kraftVersions.min} to ${kraftVersions.max}`;
}
