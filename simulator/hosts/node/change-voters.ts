import type { ErrorCode } from '../../../src/metadata/errors.ts';
import type { VoterChangeError } from '../../../src/raft/effects.ts';
import { sameReplica, type Voter } from '../../../src/raft/replica-key.ts';
import type { ControllerNode } from '../../../src/runtime/controller-node.ts';

/** What the refusals of the operations are in the words of the core, which the bare host speaks. */
const inWordsOfTheCore: Partial<Record<ErrorCode, VoterChangeError>> = {
  NOT_CONTROLLER: 'NOT_LEADER',
  VOTER_CHANGE_PENDING: 'CHANGE_PENDING',
  VOTER_NOT_CAUGHT_UP: 'NOT_CAUGHT_UP',
  UNSUPPORTED_VERSION: 'UNSUPPORTED_VERSION',
  DUPLICATE_VOTER: 'NOT_ONE_VOTER',
  VOTER_NOT_FOUND: 'NOT_ONE_VOTER',
  INVALID_REQUEST: 'NOT_ONE_VOTER',
};

/** An operator's wish for another set of voters, as the operations that lead to it. */
export function changeVoters(
  node: ControllerNode,
  voters: readonly Voter[],
  complete: (error: VoterChangeError | null) => void,
): void {
  const current = node.status().voters;
  const added = voters.find((voter) => !current.some((other) => sameReplica(other, voter)));
  const removed = current.find((voter) => !voters.some((other) => sameReplica(other, voter)));
  const asked = removed === undefined ? addition(added) : removal(removed);
  const common = {
    requestId: 0,
    principal: 'operator',
    idempotencyKey: null,
    consistency: 'linearizable',
    minOffset: null,
    ifMatch: null,
    timeoutMs: 5_000,
  } as const;
  node.submit([{ ...common, ...asked }], ({ result }) =>
    complete(result.ok ? null : (inWordsOfTheCore[result.code] ?? 'OUTCOME_UNKNOWN')),
  );
}

function addition(voter: Voter | undefined) {
  const { id: controllerId, directoryId, endpoint } = voter ?? {};
  const body = { controllerId, directoryId, ...endpoint };
  return { operationId: 'addVoter', input: { params: {}, query: {}, body } };
}

function removal({ id, directoryId }: Voter) {
  return {
    operationId: 'removeVoter',
    input: { params: { controllerId: id }, query: { directoryId }, body: {} },
  };
}
