import { sameReplica, type Voter } from '../../src/raft/replica-key.ts';
import type { SimulatedNode } from '../cluster.ts';
import { eventKinds } from '../../src/testing/world/event-kinds.ts';
import type { CarryOut, FaultContext } from './fault-context.ts';
import { Finalization } from './finalize.ts';
import type { MembershipFault } from './fault.ts';

type Kind = MembershipFault['kind'];

export const membershipFaults: { readonly [K in Kind]: CarryOut<K> } = {
  addVoter: (context, { target }) => begin(context, target, voterSetWith),
  removeVoter: (context, { target }) => begin(context, target, voterSetWithout),
  upgrade: (context, { target, downUs }) => {
    const node = context.node(target);
    if (node !== null) context.cluster.upgrade(node, downUs);
    return node !== null;
  },
  finalize: (context) => {
    new Finalization(context.cluster, (delayUs, run) => context.after(delayUs, run), triesMax).begin();
    return true;
  },
};

/** The next set on the way to where the operator wants to be; null once it is there. */
type NextVoterSet = (
  context: FaultContext,
  node: SimulatedNode,
  voters: readonly Voter[],
) => readonly Voter[] | null;

const requestUs = 100;
/** How often an operator looks again, and how many times. */
const retryUs = 200_000;
const triesMax = 20;

function begin(context: FaultContext, target: number, next: NextVoterSet): boolean {
  const node = context.node(target);
  const canChange = context.cluster.nodes.some(({ host }) => (host?.changeVoters ?? null) !== null);
  if (node === null || !canChange) return false;
  change(context, node, next, triesMax);
  return true;
}

function change(context: FaultContext, node: SimulatedNode, next: NextVoterSet, triesLeft: number): void {
  const again = (): void => {
    if (triesLeft > 0) context.after(retryUs, () => change(context, node, next, triesLeft - 1));
  };
  const leader = context.cluster.leader();
  const changeVoters = leader?.host?.changeVoters ?? null;
  if (leader === null || changeVoters === null) return again();
  const voters = next(context, node, leader.view?.voters ?? []);
  if (voters === null) return;
  if (voters.length === 0 || !context.mayHaveVoters(voters)) return again();
  context.cluster.smallestVoterSet = Math.min(context.cluster.smallestVoterSet, voters.length);
  // As an event of the leader's process, so that a paused one takes it when it goes on.
  leader.process.schedule(requestUs, eventKinds.client, () => {
    const names = voters.map(({ id }) => id).join();
    context.world.say(() => `${leader.process.name} is asked for the voters ${names}`);
    changeVoters(voters, (error) => {
      context.world.say(
        () => `${leader.process.name} answers that the voters ${names} are ${error ?? 'in force'}`,
      );
      again();
    });
  });
}

function voterSetWith(
  { cluster }: FaultContext,
  node: SimulatedNode,
  voters: readonly Voter[],
): readonly Voter[] | null {
  const without = voters.filter(({ id }) => id !== node.id);
  if (without.length === voters.length) return [...voters, cluster.voterOf(node)];
  return voters.some((voter) => sameReplica(voter, node.key)) ? null : without;
}

function voterSetWithout(
  _context: FaultContext,
  node: SimulatedNode,
  voters: readonly Voter[],
): readonly Voter[] | null {
  const without = voters.filter(({ id }) => id !== node.id);
  return without.length === voters.length ? null : without;
}
