import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { nodeOperations } from '../../client/protocol/node-operations.ts';
import { quorumOperations } from '../../runtime/quorum-operations/definitions.ts';
import type { CliDependencies } from '../context.ts';
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
  addVerb(quorum, dependencies, {
    name: 'voters',
    operation: nodeOperations.listVoters,
    call: (client) => client.listVoters(),
    text: ({ voters }, view) => tableText(view, columns, voters, 'There is no voter.'),
  });
  addVerb(quorum, dependencies, {
    name: 'voter',
    operation: nodeOperations.describeVoter,
    ...named,
    call: (client, input) => client.describeVoter(input),
    text: describeText,
  });
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
