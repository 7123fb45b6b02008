import type { Static, TSchema } from 'typebox';
import type { BrokerId, Epoch, NodeId, Offset, Uuid } from '../base/brands.ts';
import type { Random } from '../base/random.ts';
import type { Result } from '../base/result.ts';
import type { ErrorCode } from './errors.ts';
import type { MetadataImage } from './image.ts';
import type { Policies } from './policy.ts';
import type { MetadataRecord } from './registry.ts';
import type { SupportedFeature } from './resources/broker/records.ts';
import type { Role } from './roles.ts';

/**
 * One definition per operation (design 16): the HTTP route and its validation, OpenAPI, the CLI verb, the
 * typed client, authorisation and the documents derive from it.
 *
 * `handle` is synchronous and pure (design 9): it reads the image and returns records and a response, or
 * an error. It changes nothing; only `replay` of the records does.
 */
export type OperationDefinition<
  Params extends TSchema = TSchema,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
  Response extends TSchema = TSchema,
> = {
  /** camelCase, a verb and a noun: `createTopic`. */
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/v1`, with `{name}` for parameters: `/topics/{topic}`. */
  readonly path: string;
  readonly summary: string;
  /**
   * `write` may return records. `read` never does. `heartbeat` is a write whose answer also waits for a
   * barrier round that began after its arrival (design 13). `direct` is carried out by the leader's core or by
   * the one node that is asked, and not by the state machine: it is remembered under no key.
   */
  readonly kind: 'read' | 'write' | 'heartbeat' | 'direct';
  /** Admission order when the node is busy (design, "Running"); lower goes first. */
  readonly priority: Priority;
  /** Who may call it, beside the administrator, who may call everything. */
  readonly mayCall: readonly Role[];
  /**
   * Where the operation names the broker in whose name it is called: one who has the role of a broker may
   * call it for its own broker alone.
   */
  readonly speaksFor?: 'params.brokerId' | 'body.brokerId';
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly response: Response;
  /**
   * The answer shows more than the one resource whose tag it carries, so that it may change under the same tag.
   */
  readonly showsMoreThanItsTag?: true;
  /** HTTP status of a success; 200 when absent. */
  readonly successStatus?: 200 | 201 | 202 | 204;
  /**
   * One request and its answer, as the documents and OpenAPI show them. Only an operation of somebody's own
   * kind may have none.
   */
  readonly example?: OperationExample<Params, Query, Body, Response>;
  /** Every code that `handle` may return; the generic ones (NOT_CONTROLLER …) need not be listed. */
  readonly errors: readonly ErrorCode[];
  readonly handle: (
    image: MetadataImage,
    input: OperationInput<Params, Query, Body>,
    context: OperationContext,
  ) => Result<OperationOutcome<Static<Response>>, OperationError>;
};

export type OperationInput<Params extends TSchema, Query extends TSchema, Body extends TSchema> = {
  readonly params: Static<Params>;
  readonly query: Static<Query>;
  readonly body: Static<Body>;
};

/**
 * Who goes first on the leader (design, "Running"). Fencing goes before a metadata transaction that is open, too; what
 * is `isr`, what leaders say of their replicas, waits until that has ended.
 */
export type Priority = 'fencing' | 'isr' | 'heartbeat' | 'administration';

/** What is absent has no fields. */
export type OperationExample<
  Params extends TSchema = TSchema,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
  Response extends TSchema = TSchema,
> = Partial<OperationInput<Params, Query, Body>> & { readonly response: Static<Response> };

export type OperationOutcome<Response> = {
  readonly records: readonly MetadataRecord[];
  readonly response: Response;
  /** Offset that last modified the one resource which the answer shows, before this operation; the `ETag`. */
  readonly modifiedOffset?: Offset | null;
  /**
   * A broker proved that it lives (it registered, or its heartbeat was accepted): the leader's session for
   * it begins anew. `metadataOffset` is what the heartbeat reported.
   */
  readonly heard?: {
    readonly brokerId: BrokerId;
    readonly brokerEpoch: number;
    readonly metadataOffset: Offset | null;
  };
  /** The broker was unregistered: the leader forgets its session. */
  readonly forgotten?: BrokerId;
  /** A member of a group proved that it lives: the leader's session for it begins anew. */
  readonly heardMember?: GroupMembership & { readonly sessionTimeoutMs: number };
  /** The member with this epoch has left: the leader forgets its session. */
  readonly forgottenMember?: number;
  /**
   * Work that goes on in batches of its own after this one (protocols 7). The answer waits for this batch
   * alone. Absent or null when nothing is left.
   */
  readonly continueWith?: InternalOperation | null;
  /**
   * What the quorum itself is to be changed to: by control records, which come into the log before these records.
   * The answer waits for both.
   */
  readonly quorumChange?: QuorumChange | null;
  /**
   * What does not fit one batch goes on so, in one transaction with these records: on the state that they leave, with
   * nothing of anybody else's in between. The answer is that of the last step. A later step that is refused refuses the
   * whole. Null or absent: this is the last step.
   */
  readonly next?: OperationStep<Response> | null;
  /** Its later steps read what the earlier ones have written: whoever looks at them beforehand has to replay these. */
  readonly readsItsSteps?: true;
  /** Its later steps may be refused by themselves. Absent: what it may be refused for, its first step says. */
  readonly mayRefuseLater?: true;
};

export type OperationStep<Response> = (
  image: MetadataImage,
  context: OperationContext,
) => Result<OperationOutcome<Response>, OperationError>;

/**
 * What the leader does of its own accord, a bounded batch at a time. Each batch is complete in itself: when
 * the leader is lost between two of them, the next one finds by `unfinishedFencing` what is left.
 * `records` may be empty while `continueWith` is not null: then there is nothing to append, only to go on.
 */
export type InternalOperation = {
  /** For the log and metrics. */
  readonly name: string;
  readonly priority: Priority;
  readonly handle: (image: MetadataImage, context: OperationContext) => InternalOutcome;
};

export type InternalOutcome = {
  readonly records: readonly MetadataRecord[];
  readonly continueWith: InternalOperation | null;
  readonly quorumChange?: QuorumChange | null;
};

/** An operating error with a stable code (Kafka's name where Kafka has one) and a sentence for a person. */
export type OperationError = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
};

/** What enters an operation from outside the image (design 11): offsets, time, chance, and live sessions. */
export type OperationContext = {
  /** The offset that the first returned record will have. A broker epoch is predicted from it. */
  readonly nextOffset: Offset;
  readonly epoch: Epoch;
  /** Wall clock, never decreasing in the log. */
  readonly timestampMs: number;
  readonly random: Random;
  /** The cluster's id, which the bootstrap descriptor fixed: a broker of another cluster is refused. */
  readonly clusterId: Uuid;
  /** Who asks. */
  readonly principal: string;
  readonly sessions: BrokerSessionView;
  readonly groupSessions: GroupSessionView;
  readonly quorum: QuorumView;
  /** What the operator forbids beyond what operations refuse; absent where nothing is. */
  readonly policies?: Policies;
  /** How many records a step of an operation gives at most where it may have several. */
  readonly recordsPerStepMax: number;
};

/** What the image does not know of the controllers: it stands in control records, or in each one's software. */
export type QuorumView = {
  /** What the controller that executes the operation supports, `kraft.version` among it. */
  readonly supported: readonly SupportedFeature[];
  /** The protocol in force, as the committed log has it. */
  readonly kraftVersion: number;
  /** The voters in force. */
  readonly voters: readonly QuorumVoter[];
  /** They are not known to be committed, and until then no others can follow them. */
  readonly isChanging: boolean;
};

export type QuorumVoter = {
  readonly id: NodeId;
  readonly directoryId: Uuid;
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly kraftVersions: { readonly min: number; readonly max: number };
};

/** Another `kraft.version` with the log's first voter set, or a voter that says other things of itself (KIP-853). */
export type QuorumChange = {
  /** Null where the protocol stays what it is. */
  readonly kraftVersion: number | null;
  readonly voters: readonly QuorumVoter[];
};

/** The leader's view of broker sessions, which live in its memory (design 13). */
export type BrokerSessionView = {
  /** How long this leader waits for a broker's next heartbeat before it fences it. */
  readonly sessionTimeoutMs: number;
  /** True while the broker's heartbeats arrive: another incarnation may not take its id. */
  isLive(broker: BrokerId): boolean;
  /** The metadata offset that the broker's last heartbeat reported; null when none was heard in this epoch. */
  metadataOffset(broker: BrokerId): Offset | null;
};

/** One membership: its epoch belongs to no other, in whichever group. */
export type GroupMembership = {
  readonly group: string;
  readonly memberId: Uuid;
  readonly memberEpoch: number;
};

/** The leader's view of the sessions of groups' members, which live in its memory as those of brokers do. */
export type GroupSessionView = {
  /** True while the member's heartbeats arrive. */
  isLive(memberEpoch: number): boolean;
};
