import { seededRandom } from '../../../src/base/random.ts';
import { epoch, type Offset } from '../../../src/base/brands.ts';
import type { ErrorCode } from '../../../src/metadata/errors.ts';
import type { MetadataImage } from '../../../src/metadata/image.ts';
import type { Priority } from '../../../src/metadata/operation.ts';
import type { MetadataRecord } from '../../../src/metadata/registry.ts';
import { supportedFeatures } from '../../../src/metadata/resources/feature/supported.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { type ProposalWindow, proposalWindow } from '../../../src/runtime/limits.ts';
import { defaultSettings } from '../../../src/runtime/node-options.ts';
import type { Execution, PendingOperation, Reply } from '../../../src/runtime/leader/operation-queue.ts';
import type { Proposal, QuorumChangeProposal } from '../../../src/runtime/leader/proposal.ts';
import { Proposer } from '../../../src/runtime/leader/proposer.ts';
import { BrokerSessions } from '../../../src/runtime/sessions/broker-sessions.ts';
import { GroupSessions } from '../../../src/runtime/sessions/group-sessions.ts';
import { clusterId } from '../../metadata/cluster.ts';
import { VirtualProcess } from './clock.ts';

/** Remembers what it was told, and takes only the first. */
export class RecordedReply implements Reply {
  told: string | null = null;
  /** For a person, where it was refused. */
  reason = '';
  offset: Offset | null = null;
  isExposed = false;

  get isSettled(): boolean {
    return this.told !== null;
  }

  expose(): void {
    this.isExposed = true;
  }

  succeed(response: unknown, offset: Offset): void {
    this.told ??= `ok ${JSON.stringify(response)}`;
    this.offset ??= offset;
  }

  fail(code: ErrorCode, message = ''): void {
    if (this.told === null) this.reason = message;
    this.told ??= code;
  }
}

export type TestOperation = {
  readonly records?: readonly MetadataRecord[];
  readonly priority?: Priority;
  readonly awaitsBarrier?: boolean;
  readonly isInternal?: boolean;
  readonly mayStandAlready?: boolean;
  readonly outcome?: NonNullable<Execution['outcome']>;
  readonly next?: Execution['next'];
  readonly onRun?: (image: MetadataImage) => void;
};

export const noOps = (count: number): readonly MetadataRecord[] =>
  Array.from({ length: count }, (): MetadataRecord => ({ type: 'NoOpRecord' }));

/** A record that contradicts every state here: replaying it throws. */
export const impossible: MetadataRecord = {
  type: 'RemoveTopicRecord',
  topicId: clusterId,
};

/** An operation of a test's own; its answer is the offset at which it was computed. */
export function operation(reply: Reply, test: TestOperation = {}): PendingOperation {
  const { records = noOps(1), priority = 'administration', outcome = null, mayStandAlready = false } = test;
  return {
    name: 'test',
    priority,
    principal: 'tester',
    awaitsBarrier: test.awaitsBarrier ?? false,
    isInternal: test.isInternal ?? false,
    reply,
    run: (image) => {
      test.onRun?.(image);
      return {
        records,
        outcome,
        next: test.next ?? null,
        mayStandAlready,
        answer: (to, offset) => to.succeed(image.endOffset, offset, null),
      };
    },
  };
}

/** A proposer whose log is a list of proposals. */
export class TestLeader {
  readonly host = new VirtualProcess();
  readonly proposals: Proposal[] = [];
  readonly rejected: string[] = [];
  readonly barriers: { readonly confirmed: () => void; readonly failed: () => void }[] = [];
  readonly sessions = new BrokerSessions(1_000);
  readonly groupSessions = new GroupSessions([], 0);
  readonly proposer: Proposer;
  readonly quorumChanges: QuorumChangeProposal[] = [];
  kraftVersion = 1;
  /** Of what is in the log. */
  lastTimestampMs = 0;
  hasRoom = true;
  /** Called for each proposal, as the core would be. */
  onProposed: (proposal: Proposal) => void = () => {};

  constructor(
    image: MetadataImage,
    window: ProposalWindow = proposalWindow(defaultSettings.raft),
    leftOpenUntil: Offset | null = null,
    clockOf = ({ clock }: VirtualProcess): Clock => clock,
  ) {
    this.proposer = new Proposer(
      {
        epoch: epoch(1),
        clusterId,
        image,
        leftOpenUntil,
        recordsPerStepMax: 10,
        lastTimestampMs: () => this.lastTimestampMs,
        clock: clockOf(this.host),
        window,
        hasRoomInLog: () => this.hasRoom,
        random: seededRandom(1),
        sessions: this.sessions,
        groupSessions: this.groupSessions,
        policies: {},
        propose: (proposal) => {
          this.proposals.push(proposal);
          this.onProposed(proposal);
        },
        proposeQuorumChange: (proposal) => this.quorumChanges.push(proposal),
        quorum: () => ({
          supported: supportedFeatures,
          kraftVersion: this.kraftVersion,
          voters: [],
          isChanging: false,
        }),
        awaitBarrier: (confirmed, failed) => this.barriers.push({ confirmed, failed }),
        onRejected: (_operation, reason) => this.rejected.push(reason),
        onUncleanElections: () => {},
      },
      1,
    );
  }

  offer(test: TestOperation = {}): RecordedReply {
    const reply = new RecordedReply();
    this.proposer.offer(operation(reply, test));
    return reply;
  }

  run(): void {
    this.host.run(1);
  }

  /** Everything proposed so far is committed and applied. */
  commit(): void {
    for (const { proposalId } of this.proposals) this.proposer.completed(proposalId);
    const last = this.proposals.at(-1);
    if (last !== undefined) this.proposer.applied(last.image.endOffset);
  }
}
