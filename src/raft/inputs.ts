import type { Epoch, NodeId, Offset } from '../base/brands.ts';
import type { Message, SpaceStatus } from './messages.ts';
import type { Voter } from './replica-key.ts';
import type { SnapshotId } from './snapshot-id.ts';

/** Numbers I/O effects, ever growing within a process; each completion echoes the number it answers. */
export type IoId = number;

/** What a proposer wants appended. The core gives it an offset and an epoch, or refuses it whole. */
export type ProposedBatch = {
  readonly recordCount: number;
  /** The encoded records, opaque to Raft. */
  readonly payload: Uint8Array;
  readonly appendTimestampMs: number;
};

/**
 * Everything that can happen to the core. `nowMs` is the shell's monotonic clock at the moment the input
 * is handed over, in integer milliseconds; it never decreases from one input to the next.
 */
export type Input = { readonly nowMs: number } & (
  | {
      /**
       * Time has passed. `stalledMs` is how late the shell itself woke up (0 when it was in time): deadlines
       * are put off by it once.
       */
      readonly type: 'wake';
      readonly stalledMs: number;
    }
  | {
      readonly type: 'messageReceived';
      /** Who the transport's handshake says has sent it. */
      readonly from: NodeId;
      readonly message: Message;
    }
  | {
      /** A hint (design 8). `refused`: a reconnect was refused, so nobody listens there. */
      readonly type: 'connectionClosed';
      readonly peer: NodeId;
      readonly refused: boolean;
    }
  | {
      readonly type: 'recordsProposed';
      readonly proposalId: number;
      /** The epoch and log end for which the proposer computed its records; any other refuses them. */
      readonly epoch: Epoch;
      readonly expectedBaseOffset: Offset;
      readonly batches: readonly ProposedBatch[];
    }
  | {
      /**
       * Control records, proposed like records and answered like them: the protocol that all voters understand by
       * now together with its first voter set in the log, or, where `kraftVersion` is null, another voter set that
       * differs by one voter (KIP-853: UpdateFeatures of kraft.version, UpdateVoter).
       */
      readonly type: 'quorumChangeProposed';
      readonly proposalId: number;
      readonly epoch: Epoch;
      readonly expectedBaseOffset: Offset;
      readonly kraftVersion: number | null;
      readonly voters: readonly Voter[];
    }
  | { readonly type: 'readBarrierRequested'; readonly barrierId: number }
  | {
      /** One change at a time: the new set differs from the current one by one voter (KIP-853). */
      readonly type: 'voterChangeRequested';
      readonly requestId: number;
      readonly voters: readonly Voter[];
    }
  | {
      readonly type: 'resignRequested';
      /**
       * `shutdown`: the process ends. `transfer`: only if a caught-up voter can take over; `lowOnSpace`: only
       * if one with room on its disk can.
       */
      readonly reason: 'shutdown' | 'lowOnSpace' | 'transfer' | 'stateMachineFailed';
      readonly preferredSuccessor: NodeId | null;
    }
  | {
      /** A follower whose disk space is exhausted goes on voting and takes no more records (design 20). */
      readonly type: 'storageStatusChanged';
      readonly space: SpaceStatus;
    }
  | { readonly type: 'quorumStatePersisted'; readonly ioId: IoId }
  | {
      /** Everything appended up to and with effect `ioId` is on disk. */
      readonly type: 'logFlushed';
      readonly ioId: IoId;
    }
  | { readonly type: 'logTruncated'; readonly ioId: IoId }
  | {
      /**
       * A checkpoint is durable and verified, and the log may begin at `logStart` (a snapshot taken
       * earlier, or this one). The shell deletes log below `logStart` only after this step.
       */
      readonly type: 'snapshotCreated';
      readonly snapshotId: SnapshotId;
      readonly logStart: SnapshotId;
    }
  | {
      /** The chunk that ended at `position` is stored; the next may be asked for. */
      readonly type: 'snapshotChunkStored';
      readonly ioId: IoId;
      readonly position: number;
    }
  | {
      /**
       * The snapshot is in force and the log before it is gone. `null`: it was refused (its content did not
       * verify) and thrown away; the core pauses before it asks for it again.
       */
      readonly type: 'snapshotInstalled';
      readonly ioId: IoId;
      readonly snapshot: { readonly voters: readonly Voter[]; readonly kraftVersion: number } | null;
    }
  | {
      /** The state machine has applied every record below `offset`. */
      readonly type: 'applied';
      readonly offset: Offset;
    }
);
