import type { Epoch, NodeId, Uuid } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { epoch } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { randomUuid } from '../../base/uuid.ts';
import type { StoredDescriptor } from '../../codec/descriptor.ts';
import type { NodeProperties } from '../../codec/node-properties.ts';
import type { ControllerPorts } from '../node-options.ts';
import { readDescriptor, readNodeProperties, writeNodeProperties } from '../quorum-state/node-files.ts';
import { type OpenedQuorumState, openQuorumState } from '../quorum-state/open-quorum-state.ts';
import type { QuorumStateEvents, QuorumStateStore } from '../quorum-state/quorum-state-store.ts';
import type { StoredFileError } from '../quorum-state/stored-file.ts';
import type { VoterSetAt } from '../../raft/config.ts';
import type { QuorumState } from '../../raft/quorum-state.ts';
import { sameReplica } from '../../raft/replica-key.ts';
import { type Sequence, wait } from '../sequence.ts';

/** Who this node is, and what it must never forget. */
export type Identity = {
  readonly directoryId: Uuid;
  readonly clusterId: Uuid | null;
  readonly quorumStateStore: OpenedQuorumState['store'];
  readonly quorumState: QuorumState;
  readonly descriptor: StoredDescriptor | null;
  /** The node has acted in a cluster before, so a log or a checkpoint must be there. */
  readonly hasHistory: boolean;
};

export type IdentityOptions = {
  readonly nodeId: NodeId;
  readonly directory: string;
  readonly ports: ControllerPorts;
  readonly quorumStateEvents: QuorumStateEvents;
  /** Writes a first quorum state; `done` when it is durable. */
  readonly persistQuorumState: (store: QuorumStateStore, state: QuorumState, done: () => void) => void;
};

const noState: QuorumState = { epoch: epoch(0), leaderId: null, voted: null, recovering: false };

type Stored<Value> = Result<Value, StoredFileError>;

/**
 * Reads who this node is, or makes it someone.
 *
 * A node whose quorum state is gone may have voted without remembering it. So it takes a new directory id
 * and is a stranger to every voter set that knew the old one: it can only observe (design 19). The new id
 * is durable before a new quorum state exists.
 *
 * A new node writes its quorum state before its properties, so that properties without a quorum state are
 * proof that one was lost, and not that the node ended before its first vote.
 */
export function* establishIdentity(options: IdentityOptions): Sequence<Result<Identity, string>> {
  const { nodeId, directory, ports } = options;
  const { files } = ports;
  const properties = yield* wait<Stored<NodeProperties | null>>((done) =>
    readNodeProperties(files, directory, done),
  );
  if (!properties.ok) return describeFailure(properties.error);
  if (properties.value !== null && properties.value.nodeId !== nodeId) {
    return failed(`${directory} belongs to node ${properties.value.nodeId}, and this is node ${nodeId}`);
  }
  const opened = yield* wait<Stored<OpenedQuorumState>>((done) =>
    openQuorumState({ files, directory, events: options.quorumStateEvents }, done),
  );
  if (!opened.ok) return describeFailure(opened.error);
  const descriptor = yield* wait<Stored<StoredDescriptor | null>>((done) =>
    readDescriptor(files, directory, done),
  );
  if (!descriptor.ok) return describeFailure(descriptor.error);
  const hasActed = opened.value.state !== null && !isPristine(opened.value.state);
  if (properties.value === null && hasActed) {
    return failed(
      `${directory} holds a quorum state and no node.properties; restore that file, or empty the directory`,
    );
  }
  return yield* complete(options, properties.value, opened.value, descriptor.value);
}

function* complete(
  options: IdentityOptions,
  properties: NodeProperties | null,
  opened: OpenedQuorumState,
  descriptor: StoredDescriptor | null,
): Sequence<Result<Identity, string>> {
  const { nodeId, directory, ports } = options;
  const clusterId =
    properties?.clusterId ?? (descriptor?.started === true ? descriptor.descriptor.clusterId : null);
  const known = { clusterId, quorumStateStore: opened.store, descriptor };
  if (properties !== null && opened.state !== null) {
    const hasHistory = opened.state.epoch > 0;
    return ok({ ...known, directoryId: properties.directoryId, quorumState: opened.state, hasHistory });
  }
  for (const damage of opened.damage) {
    ports.logger.error('quorum-state-damaged', { file: damage.file, reason: damage.message });
  }
  const directoryId = randomUuid(ports.random);
  if (properties === null && opened.state === null) yield* persistFirst(options, opened);
  const isStranger = properties !== null && clusterId !== null;
  if (isStranger) {
    coverageMark('quorum state: lost, and with it the vote');
    ports.logger.error('quorum-state-lost', { directoryId, becomes: 'observer' });
  }
  const written = yield* wait<Stored<null>>((done) =>
    writeNodeProperties(ports.files, directory, { nodeId, directoryId, clusterId }, done),
  );
  if (!written.ok) return describeFailure(written.error);
  if (properties !== null) yield* persistFirst(options, opened);
  // A descriptor that was never started named the old directory id; agreeing on one begins anew.
  const kept = descriptor?.started === true ? descriptor : null;
  return ok({ ...known, descriptor: kept, directoryId, quorumState: noState, hasHistory: false });
}

/**
 * A voter's quorum state is durable before its log holds a record of that epoch. If it is older than the log,
 * it is a stale copy, restored from a backup perhaps, and the votes cast since then are forgotten.
 */
export function hasForgottenVotes(
  identity: Pick<Identity, 'directoryId' | 'quorumState'>,
  nodeId: NodeId,
  storage: { readonly lastEpoch: Epoch; readonly voterSets: readonly VoterSetAt[] },
): boolean {
  if (identity.quorumState.epoch >= storage.lastEpoch) return false;
  const local = { id: nodeId, directoryId: identity.directoryId };
  return storage.voterSets.some(({ voters }) => voters.some((voter) => sameReplica(voter, local)));
}

/**
 * What a node does that has forgotten votes: like one whose quorum state is gone, it takes a new directory
 * id, so that nobody counts on what it has promised, and can only observe (design 19). The new id is durable
 * before the quorum state is brought up to the log's epoch.
 */
export function* becomeStranger(
  options: IdentityOptions,
  identity: Identity,
  logEpoch: Epoch,
  recovering: boolean,
): Sequence<Result<Identity, string>> {
  const { nodeId, directory, ports } = options;
  const { clusterId, quorumStateStore } = identity;
  const directoryId = randomUuid(ports.random);
  const found = { epoch: identity.quorumState.epoch, logEpoch };
  ports.logger.error('quorum-state-stale', { ...found, directoryId, becomes: 'observer' });
  const written = yield* wait<Stored<null>>((done) =>
    writeNodeProperties(ports.files, directory, { nodeId, directoryId, clusterId }, done),
  );
  if (!written.ok) return describeFailure(written.error);
  const quorumState: QuorumState = { epoch: logEpoch, leaderId: null, voted: null, recovering };
  yield* wait<void>((done) => options.persistQuorumState(quorumStateStore, quorumState, done));
  return ok({ ...identity, directoryId, quorumState });
}

/** A failure ends the node through the store's own events; then this is never resumed. */
function* persistFirst(options: IdentityOptions, opened: OpenedQuorumState): Sequence<void> {
  yield* wait<void>((done) => options.persistQuorumState(opened.store, noState, done));
}

/** Nothing was ever sent on such a state. */
function isPristine(state: QuorumState): boolean {
  return state.epoch === 0 && state.voted === null && !state.recovering;
}

function describeFailure(error: StoredFileError): Result<never, string> {
  return failed(`${error.file}: ${error.message}`);
}
