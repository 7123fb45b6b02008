import type { Static, TSchema } from 'typebox';
import { assertNever } from '../../base/assert.ts';
import { nodeId, type NodeId, uuid } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { OperationError } from '../../metadata/operation.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { Effect, VoterChangeError } from '../../raft/effects.ts';
import type { ReplicaKey, Voter } from '../../raft/replica-key.ts';
import type { ControllerRequest } from '../controller-api.ts';
import type { UntimedInput } from '../event-queue.ts';
import type { Reply } from '../leader/operation-queue.ts';
import { type LoggedTransactions, stableOffset } from '../log/transaction-index.ts';
import { isOnlyValidated } from '../leader/client-work.ts';
import type { QuorumOperationId, quorumOperations } from './definitions.ts';

export type QuorumOperationsOptions = {
  readonly core: RaftCore;
  readonly localId: NodeId;
  /** How long ago a replica may have been caught up to count as such. */
  readonly caughtUpWithinMs: number;
  readonly nowMs: () => number;
  readonly image: () => MetadataImage;
  readonly transactions: LoggedTransactions;
  readonly push: (input: UntimedInput) => void;
};

type Definitions = typeof quorumOperations;
type BodyOf<Id extends QuorumOperationId> = Definitions[Id] extends {
  readonly body: infer Body extends TSchema;
}
  ? Static<Body>
  : never;
type Answered = Result<unknown, OperationError>;
type VoterChange = { readonly voters: readonly Voter[]; readonly changed: ReplicaKey };

/**
 * Asks the leader's core for other voters, or to resign. It is called on the leader, after a majority has
 * confirmed that it leads; what the core still finds against it is refused by a name of its own.
 */
export class QuorumOperations {
  readonly #options: QuorumOperationsOptions;
  /** Changes that the core has been asked for. It answers each: committed, refused, or unknown. */
  readonly #pending = new Map<number, (error: VoterChangeError | null) => void>();
  #nextRequestId = 1;

  constructor(options: QuorumOperationsOptions) {
    this.#options = options;
  }

  execute(operationId: QuorumOperationId, request: ControllerRequest, reply: Reply): void {
    if (this.#options.core.role !== 'leader') {
      this.#give(reply, failed(describe('NOT_LEADER')));
      return;
    }
    // Checked against the operation's schemas at the border.
    const { params, query, body } = request.input;
    const isValidation = isOnlyValidated(request);
    switch (operationId) {
      case 'addVoter':
        return this.#change(this.#voterSetWith(body as BodyOf<'addVoter'>), isValidation, reply);
      case 'removeVoter': {
        const { controllerId } = params as Static<Definitions['removeVoter']['params']>;
        const { directoryId } = query as Static<Definitions['removeVoter']['query']>;
        return this.#change(this.#voterSetWithout(controllerId, directoryId), isValidation, reply);
      }
      case 'transferLeadership':
        return this.#transfer(body as BodyOf<'transferLeadership'>, isValidation, reply);
      default:
        return assertNever(operationId);
    }
  }

  answered({ requestId, error }: Extract<Effect, { type: 'voterChangeAnswered' }>): void {
    const settle = this.#pending.get(requestId);
    this.#pending.delete(requestId);
    settle?.(error);
  }

  /** The node stops: what was asked for may yet be committed. */
  close(): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const settle of pending) settle('OUTCOME_UNKNOWN');
  }

  #change(change: Result<VoterChange, OperationError>, isValidation: boolean, reply: Reply): void {
    const { core, push } = this.#options;
    if (!change.ok) return this.#give(reply, change);
    const { voters, changed } = change.value;
    const response = { controllerId: changed.id, directoryId: changed.directoryId };
    if (isValidation) {
      const error = core.findVoterChangeError(voters);
      return this.#give(reply, error === null ? ok(response) : failed(describe(error)));
    }
    const requestId = this.#nextRequestId++;
    this.#pending.set(requestId, (error) =>
      this.#give(reply, error === null ? ok(response) : failed(describe(error))),
    );
    reply.expose();
    push({ type: 'voterChangeRequested', requestId, voters });
  }

  #give(reply: Reply, answered: Answered): void {
    // Not within a transaction: whoever is told of an offset is shown a state that reaches it.
    const { core, transactions } = this.#options;
    if (answered.ok) reply.succeed(answered.value, stableOffset(transactions, core.highWatermark), null);
    else reply.fail(answered.error.code, answered.error.message);
  }

  #voterSetWith(body: BodyOf<'addVoter'>): Result<VoterChange, OperationError> {
    const { core } = this.#options;
    const { controllerId } = body;
    const standing = core.voters.find(({ id }) => id === controllerId);
    if (standing !== undefined) {
      return refusal(
        'DUPLICATE_VOTER',
        `Controller ${controllerId} is a voter, with directory ${standing.directoryId}. Where that disk is lost, remove it first: ottla quorum remove-voter ${controllerId}`,
      );
    }
    const directory = this.#directoryOf(body);
    if (!directory.ok) return directory;
    const endpoint = this.#endpointOf(body);
    if (endpoint === null) {
      return refusal(
        'INVALID_REQUEST',
        `Where controller ${controllerId} is to be reached is not known: give host and port.`,
      );
    }
    // What it understands beyond the version in force the leader learns from its registration (`findVoterUpdate`).
    const kraftVersions = { min: core.kraftVersion, max: core.kraftVersion };
    const added = { id: nodeId(controllerId), directoryId: directory.value, endpoint, kraftVersions };
    return ok({ voters: [...core.voters, added], changed: added });
  }

  #directoryOf({
    controllerId,
    directoryId,
  }: BodyOf<'addVoter'>): Result<ReplicaKey['directoryId'], OperationError> {
    if (directoryId !== undefined) return ok(uuid(directoryId));
    const known = this.#options.core.replicas().filter(({ id }) => id === controllerId);
    // A directory whose disk was lost is remembered for a while, and fetches no more.
    const following = known.filter(({ lastFetchMs }) => this.#isRecent(lastFetchMs));
    const [only, ...others] = following.length > 0 ? following : known;
    if (only === undefined) {
      return refusal('VOTER_NOT_CAUGHT_UP', `Controller ${controllerId} does not follow the leader.`);
    }
    if (others.length === 0) return ok(only.directoryId);
    const directories = [only, ...others].map(({ directoryId: each }) => each);
    return refusal(
      'INVALID_REQUEST',
      `Several directories follow as controller ${controllerId}: ${directories.join(', ')}. Give the one that it has now (ottla storage info), as in: ottla quorum add-voter ${controllerId} --directory-id ${only.directoryId}`,
    );
  }

  #endpointOf({ controllerId, host, port }: BodyOf<'addVoter'>): Voter['endpoint'] | null {
    if (host !== undefined && port !== undefined) return { host, port };
    const [registered] = this.#options.image().controller.controllers.get(controllerId)?.endPoints ?? [];
    return registered === undefined ? null : { host: host ?? registered.host, port: port ?? registered.port };
  }

  #voterSetWithout(
    controllerId: number,
    directoryId: string | undefined,
  ): Result<VoterChange, OperationError> {
    const { voters } = this.#options.core;
    const removed = voters.find(
      (voter) =>
        voter.id === controllerId && (directoryId === undefined || voter.directoryId === directoryId),
    );
    if (removed === undefined) {
      const where = directoryId === undefined ? '' : ` with directory ${directoryId}`;
      return refusal('VOTER_NOT_FOUND', `Controller ${controllerId}${where} is no voter.`);
    }
    if (voters.length === 1) return refusal('INVALID_REQUEST', 'The last voter cannot be removed.');
    return ok({ voters: voters.filter((voter) => voter !== removed), changed: removed });
  }

  #transfer({ preferredSuccessor }: BodyOf<'transferLeadership'>, isValidation: boolean, reply: Reply): void {
    const { core, localId, push } = this.#options;
    const fault = this.#findSuccessorFault(preferredSuccessor);
    if (fault !== null) return this.#give(reply, failed(fault));
    const preferred = preferredSuccessor === undefined ? null : nodeId(preferredSuccessor);
    const response = { resignedLeader: localId, resignedEpoch: core.epoch, preferredSuccessor: preferred };
    if (!isValidation) {
      coverageMark('quorum: the leader resigns at the wish of an operator');
      push({ type: 'resignRequested', reason: 'transfer', preferredSuccessor: preferred });
      if (core.role === 'leader') return this.#give(reply, failed(nobodyCaughtUp));
    }
    this.#give(reply, ok(response));
  }

  #findSuccessorFault(preferredSuccessor: number | undefined): OperationError | null {
    const { core, localId } = this.#options;
    const others = core.replicas().filter(({ id, isVoter }) => isVoter && id !== localId);
    if (preferredSuccessor === undefined)
      return others.some((each) => this.#isCaughtUp(each)) ? null : nobodyCaughtUp;
    if (preferredSuccessor === localId) {
      return { code: 'INVALID_REQUEST', message: `Controller ${localId} leads already.` };
    }
    const preferred = others.find(({ id }) => id === preferredSuccessor);
    if (preferred === undefined) {
      return { code: 'VOTER_NOT_FOUND', message: `Controller ${preferredSuccessor} is no voter.` };
    }
    if (this.#isCaughtUp(preferred)) return null;
    return { code: 'VOTER_NOT_CAUGHT_UP', message: `Controller ${preferredSuccessor} has not caught up.` };
  }

  #isCaughtUp({ lastCaughtUpMs }: { readonly lastCaughtUpMs: number | null }): boolean {
    return this.#isRecent(lastCaughtUpMs);
  }

  #isRecent(thenMs: number | null): boolean {
    const { nowMs, caughtUpWithinMs } = this.#options;
    return thenMs !== null && nowMs() - thenMs <= caughtUpWithinMs;
  }
}

const nobodyCaughtUp: OperationError = {
  code: 'VOTER_NOT_CAUGHT_UP',
  message: 'No other voter has caught up, so that nobody could lead.',
};

function refusal(code: OperationError['code'], message: string): Result<never, OperationError> {
  return failed({ code, message });
}

/** The core's refusals by the names of the catalogue. */
function describe(error: VoterChangeError): OperationError {
  switch (error) {
    case 'NOT_LEADER':
    case 'HIGH_WATERMARK_UNKNOWN':
      return {
        code: 'NOT_CONTROLLER',
        message: 'This node does not lead, or not for long enough; nothing was changed.',
      };
    case 'CHANGE_PENDING':
      return { code: 'VOTER_CHANGE_PENDING', message: 'Another change of the voters is not committed yet.' };
    case 'UNSUPPORTED_VERSION':
      return {
        code: 'UNSUPPORTED_VERSION',
        message: 'The kraft.version in force has no voters in the log, or the voter does not support it.',
      };
    case 'NOT_CAUGHT_UP':
      return { code: 'VOTER_NOT_CAUGHT_UP', message: 'The controller has not caught up with the leader.' };
    case 'NOT_ONE_VOTER':
      return {
        code: 'VOTER_CHANGE_PENDING',
        message: 'The voters have changed meanwhile; look, and ask again.',
      };
    case 'OUTCOME_UNKNOWN':
      return {
        code: 'OUTCOME_UNKNOWN',
        message:
          'Leadership was lost before the change was committed; the quorum’s description shows what became of it.',
      };
    default:
      return assertNever(error);
  }
}
