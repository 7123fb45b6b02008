import type { Offset } from '../../../src/base/brands.ts';
import type { RecoveredState } from '../../../src/raft/config.ts';
import type { ReplicaKey } from '../../../src/raft/replica-key.ts';
import { dataDirectory, type Host, type HostContext, type HostKind } from '../host.ts';
import { openRaftLog, type OpenedLog } from '../../../src/runtime/log/open-raft-log.ts';
import {
  openQuorumState,
  type OpenedQuorumState,
} from '../../../src/runtime/quorum-state/open-quorum-state.ts';
import type { QuorumState } from '../../../src/raft/quorum-state.ts';
import { hasForgottenVotes } from '../../../src/runtime/start/identity.ts';
import { faultOfKRaftVersion } from '../../../src/runtime/supported-versions.ts';
import { BareCheckpoints, durableCheckpointEnd } from './checkpoints.ts';
import { decodeRegisterWrite } from '../../workload/register-payload.ts';
import { BareNode } from './bare-node.ts';
import { recoveredState, agreesWith } from './recovered-state.ts';

/** Where the bare host keeps its log. */
export const logDirectory = `${dataDirectory}/log`;

/** With the smaller one almost everything is read from the disk again. */
const cacheSizes: readonly number[] = [512, 65_536];
/** The core numbers its I/O from 1, so that what happens before it exists has number 0. */
const bootIoId = 0;

const unwritten: QuorumState = {
  epoch: 0 as QuorumState['epoch'],
  leaderId: null,
  voted: null,
  recovering: false,
};

/**
 * The core on its real log and quorum state, with the production effect runner, and with a state machine
 * of registers: everything about consensus and nothing about metadata. It recovers in the order that
 * design 17 to 19 prescribe.
 */
export const bareHost: HostKind = {
  start: startBareHost,
  holdsMetadata: false,
  durableSnapshotEnd: durableCheckpointEnd,
  decodeWrites: (batch) => {
    if (batch.payload === null) return [];
    return [{ ...decodeRegisterWrite(batch.payload), endOffset: batch.endOffset }];
  },
};

function startBareHost(context: HostContext): Host {
  const boot = new Boot(context);
  boot.begin();
  return {
    submit: (request, complete) => {
      if (boot.node === null) context.clock.afterPendingEvents(() => complete(starting));
      else boot.node.submit(request, complete);
    },
    call: null,
    watch: null,
    changeVoters: (voters, complete) => {
      if (boot.node === null) context.clock.afterPendingEvents(() => complete('NOT_LEADER'));
      else boot.node.changeVoters(voters, complete);
    },
    changeProtocol: (kraftVersion, voters, complete) => {
      if (boot.node === null) context.clock.afterPendingEvents(() => complete(false));
      else boot.node.changeProtocol(kraftVersion, voters, complete);
    },
    stop: (complete) => {
      if (boot.node === null) complete();
      else boot.node.stop(complete);
    },
  };
}

const starting = { kind: 'refused', reason: 'STARTING', isFinal: false } as const;

class Boot {
  node: BareNode | null = null;
  readonly #context: HostContext;
  readonly #checkpoints: BareCheckpoints;
  /** Goes on when what was asked for before the core existed is durable. */
  #afterPersist: (() => void) | null = null;
  #afterReset: (() => void) | null = null;
  #hasFailed = false;
  #key: ReplicaKey;

  constructor(context: HostContext) {
    this.#context = context;
    this.#key = context.key;
    this.#checkpoints = new BareCheckpoints(context.stores, (reason) => this.#fail(reason));
  }

  begin(): void {
    this.#checkpoints.open(() => this.#openQuorumState());
  }

  #openQuorumState(): void {
    const events = {
      onPersisted: (ioId: number) => {
        if (this.node !== null) this.node.quorumStatePersisted(ioId);
        else this.#afterPersist?.();
      },
      onFailed: (error: FileFailure) => this.#failOn(error),
    };
    openQuorumState({ files: this.#context.files, directory: dataDirectory, events }, (opened) => {
      if (opened.ok) this.#openLog(opened.value);
      else this.#failOn(opened.error);
    });
  }

  #openLog(quorum: OpenedQuorumState): void {
    const { files, clock, segmentBytes } = this.#context;
    let state = quorum.state ?? unwritten;
    if (quorum.state === null && quorum.damage.length > 0) this.#key = this.#context.renewKey();
    openRaftLog(
      {
        files,
        clock,
        directory: logDirectory,
        segmentBytes,
        cacheBytesMax: cacheSizes[this.#context.seed % 2] ?? 65_536,
        expectsLog: state.epoch > 0,
        events: {
          onFlushed: (ioId) => this.node?.logFlushed(ioId),
          onTruncated: (ioId) => {
            if (this.node !== null) this.node.logTruncated(ioId);
            else this.#afterReset?.();
          },
          onFailed: (error) => this.#failOn(error),
        },
        // Durable before anything on disk is changed (design 19).
        onCorruption: (corruption, proceed) => {
          const { file, position, reason } = corruption;
          this.#context.say(() => `found corruption in ${file} at ${position}: ${reason}`);
          state = { ...state, recovering: true };
          this.#afterPersist = proceed;
          quorum.store.persist(bootIoId, state);
        },
      },
      (opened) => {
        if (opened.ok) this.#matchCheckpoint(quorum, state, opened.value);
        else this.#failOn(opened.error);
      },
    );
  }

  /** Design 18: the log is discarded only if it ends before the checkpoint or is another log there. */
  #matchCheckpoint(quorum: OpenedQuorumState, state: QuorumState, opened: OpenedLog): void {
    const { latest, latestId } = this.#checkpoints;
    if (latest === null || latestId === null || agreesWith(opened, latest)) {
      this.#start(quorum, state, opened, false);
      return;
    }
    this.#context.say(() => `discards its log for the snapshot that ends at ${latestId.endOffset}`);
    this.#afterReset = () => this.#start(quorum, state, opened, true);
    opened.log.resetTo(bootIoId, latestId, latest.chainCrc);
  }

  #start(quorum: OpenedQuorumState, state: QuorumState, opened: OpenedLog, wasReset: boolean): void {
    const recovered = this.#withoutForgottenVotes(
      recoveredState({
        context: this.#context,
        key: this.#key,
        quorumState: state,
        checkpoint: this.#checkpoints.latest,
        recovery: opened.recovery,
        wasReset,
        logEndOffset: opened.log.endOffset as Offset,
      }),
    );
    const fault = faultOfKRaftVersion(recovered.kraftVersion, this.#context.supported.kraftVersions);
    if (fault !== null) {
      this.#fail(`its own disk has ${fault}`);
      return;
    }
    this.node = new BareNode({
      context: this.#context,
      recovered,
      log: opened.log,
      checkpoints: this.#checkpoints,
      persistQuorumState: (ioId, next) => quorum.store.persist(ioId, next),
      onFailed: (reason) => this.#fail(reason),
    });
    this.node.begin();
  }

  /** As in the whole node: a voter whose quorum state is older than its log is somebody else now (design 19). */
  #withoutForgottenVotes(recovered: RecoveredState): RecoveredState {
    const { local, quorumState, epochStarts, logStart, voterSets } = recovered;
    const lastEpoch = epochStarts.at(-1)?.epoch ?? logStart.epoch;
    const identity = { directoryId: local.directoryId, quorumState };
    if (!hasForgottenVotes(identity, local.id, { lastEpoch, voterSets })) return recovered;
    const { recovering } = quorumState;
    this.#context.say(
      () => `has a quorum state of epoch ${quorumState.epoch} and a log of epoch ${lastEpoch}`,
    );
    return {
      ...recovered,
      local: this.#context.renewKey(),
      quorumState: { ...unwritten, epoch: lastEpoch, recovering },
    };
  }

  #failOn(error: FileFailure): void {
    this.#fail(`${error.file}: ${error.message}`);
  }

  #fail(reason: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.node?.close();
    this.#context.onStopped(reason);
  }
}

type FileFailure = { readonly file: string; readonly message: string };
