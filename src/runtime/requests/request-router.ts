import type { NodeId, Offset, Uuid } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import type { Random } from '../../base/random.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { OperationContext, QuorumView } from '../../metadata/operation.ts';
import type { RegisteredOperation } from '../../metadata/operations.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Deadlines } from '../answers/deadlines.ts';
import type { ControllerAnswer, ControllerRequest } from '../controller-api.ts';
import type { Forwarder } from '../forwarding.ts';
import type { Reply } from '../leader/operation-queue.ts';
import type { Proposer } from '../leader/proposer.ts';
import { runtimeLimits } from '../limits.ts';
import { isQuorumOperation, type QuorumOperationId } from '../quorum-operations/definitions.ts';
import type { QuorumOperations } from '../quorum-operations/quorum-operations.ts';
import type { ReadQueue } from '../reads.ts';
import type { BrokerSessions } from '../sessions/broker-sessions.ts';
import { noGroupSessions } from '../sessions/group-sessions.ts';
import { answerRead, clientWork, isOnlyValidated } from '../leader/client-work.ts';
import { SlicedTasks } from '../work-slices.ts';
import {
  isListing,
  ListingImages,
  type PageToken,
  pagingReply,
  readPageToken,
  requestOfPage,
} from './listings.ts';
import type { PastImages, PastState } from './past-images.ts';
import { explainMissing, findPastFault, mayBeElsewhere, unreadableLog } from './past-read.ts';
import { findRefusedKey, refusedCondition } from './refused-key.ts';
import { OffsetWaiters } from './offset-waiters.ts';
import { type AnswerHeader, RequestReply } from './reply.ts';

/** What the router needs to know of the node at any moment. */
export type RoutingView = {
  readonly nodeId: NodeId;
  readonly clusterId: Uuid;
  image(): MetadataImage;
  header(): AnswerHeader;
  /** Present while this node is the active leader. */
  proposer(): Proposer | null;
  lowOnSpace(): boolean;
  quorum(): QuorumView;
};

export type RouterOptions = {
  readonly view: RoutingView;
  readonly operations: ReadonlyMap<string, RegisteredOperation>;
  readonly forwarder: Forwarder;
  readonly reads: ReadQueue;
  readonly quorumOperations: Pick<QuorumOperations, 'execute'>;
  readonly sessions: BrokerSessions;
  readonly deadlines: Deadlines;
  readonly past: Pick<PastImages, 'applied' | 'find' | 'waitingCount' | 'close'>;
  readonly clock: Clock;
  readonly random: Random;
  /** A read that threw: a bug in an operation, which is answered and reported. */
  onRejected(operationId: string, reason: string): void;
};

/**
 * Decides for each request who answers it: this node from its committed image, this node as the active
 * leader, or the leader elsewhere. Every request is answered within its time, if only by an error.
 */
export class RequestRouter {
  readonly #options: RouterOptions;
  readonly #waiters = new OffsetWaiters();
  /** A page of rows takes a while, and thousands of reads may be confirmed by one barrier. */
  readonly #answerable: SlicedTasks;
  readonly #listings: ListingImages;
  #isClosed = false;
  #isDraining = false;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#answerable = new SlicedTasks(options.clock);
    this.#listings = new ListingImages(options.clock);
  }

  /** `isForwarded`: it came from a follower and is not passed on again (one hop). */
  route(
    request: ControllerRequest,
    isForwarded: boolean,
    complete: (answer: ControllerAnswer) => void,
  ): void {
    const { operationId, timeoutMs } = request;
    const { deadlines, view, operations } = this.#options;
    const operation = operations.get(operationId);
    const isOfQuorum = isQuorumOperation(operationId);
    const reply = new RequestReply(request, () => view.header(), complete);
    const mayChange = isOfQuorum || (operation !== undefined && operation.kind !== 'read');
    const isWrite = mayChange && !isOnlyValidated(request);
    const kind = isOfQuorum ? 'direct' : (operation?.kind ?? 'read');
    const refusedKey = findRefusedKey(operationId, kind, request);
    reply.afterwards(deadlines.add(timeoutMs, { expire: () => expire(reply, isWrite, this.#late(request)) }));
    if (refusedKey !== null) reply.fail('IDEMPOTENCY_KEY_NOT_SUPPORTED', refusedKey);
    else if (isOfQuorum && request.ifMatch !== null) {
      reply.fail('INVALID_REQUEST', refusedCondition(operationId));
    } else if (isOfQuorum) this.#askQuorum(operationId, { request, reply, isForwarded, isWrite });
    else if (operation !== undefined) this.#dispatch({ request, operation, reply, isForwarded, isWrite });
    else reply.fail('RESOURCE_NOT_FOUND', `There is no operation ${operationId}.`);
  }

  /** What a read that ends without an answer has waited for. */
  #late({ minOffset, atOffset }: ControllerRequest): string {
    const stands = this.#options.view.image().endOffset;
    const [name, wanted] = (atOffset ?? null) === null ? ['min_offset', minOffset] : ['at_offset', atOffset];
    return (wanted ?? 0) > stands
      ? `This node stands at ${stands} and has not reached ${name} ${wanted}.`
      : 'No majority has confirmed the answer in time.';
  }

  /**
   * Reads that this node has taken and still owes: they wait for a barrier, for the state to reach its
   * offset, or for their turn. Those who wait for an offset of their own, which may never come, are not among
   * them.
   */
  get readsWaiting(): number {
    const { reads, past } = this.#options;
    return reads.size + this.#answerable.waitingCount + past.waitingCount;
  }

  /** Reads that wait for an offset of their own, which may never come. */
  get offsetsAwaited(): number {
    return this.#waiters.size;
  }

  /** Everything below `offset` is applied on this node. */
  applied(offset: Offset): void {
    this.#options.past.applied();
    this.#waiters.applied(offset);
  }

  /** The node is about to stop: what comes now is for another to answer. */
  drain(): void {
    this.#isDraining = true;
  }

  close(): void {
    this.#isClosed = true;
    this.#listings.close();
    this.#options.past.close();
    this.#waiters.failAll();
  }

  #dispatch(routed: Routed): void {
    if (this.#refusesAsStopping(routed)) return;
    if (routed.operation.kind === 'read') this.#takeRead(routed);
    else this.#write(routed);
  }

  #refusesAsStopping({ reply }: Asked): boolean {
    const isStopping = this.#isClosed || this.#isDraining;
    if (isStopping) reply.fail('NOT_CONTROLLER', 'This node stops; nothing was changed.', retrySoon);
    return isStopping;
  }

  /** By the leader alone, and once a majority has confirmed it: a deposed one would speak of voters that were. */
  #askQuorum(operationId: QuorumOperationId, asked: Asked): void {
    const { view, reads, quorumOperations, clock } = this.#options;
    const { request, reply } = asked;
    if (this.#refusesAsStopping(asked)) return;
    if (view.proposer() === null) {
      this.#passOn(asked);
      return;
    }
    reads.add({
      // In a turn of its own: the core is in the middle of a step, and would be asked only after it.
      confirmed: () =>
        clock.afterPendingEvents(() => {
          if (!reply.isSettled) quorumOperations.execute(operationId, request, reply);
        }),
      fail: () => reply.fail('NOT_CONTROLLER', 'This node no longer leads the quorum.', retrySoon),
    });
  }

  #write(routed: Routed): void {
    const { view } = this.#options;
    const proposer = view.proposer();
    if (proposer === null) {
      this.#passOn(routed);
      return;
    }
    if (view.lowOnSpace() && routed.operation.priority === 'administration') {
      coverageMark("disk space: a client's write is refused");
      routed.reply.fail('STORAGE_LOW', 'The leader is short of disk space; nothing was changed.', {
        retryAfterMs: runtimeLimits.diskSpacePollMs,
      });
      return;
    }
    proposer.offer(clientWork(routed.operation, routed.request, routed.reply));
  }

  #takeRead(routed: Routed): void {
    const token = isListing(routed.operation) ? readPageToken(routed.request) : 'first';
    const atOffset = routed.request.atOffset ?? null;
    if (token === null) {
      routed.reply.fail('INVALID_REQUEST', 'The continue token is not one of this cluster’s listings.');
    } else if (atOffset !== null) this.#readAt(routed, atOffset, token);
    else if (token === 'first') this.#takeNewRead(routed);
    else this.#continueListing(routed, token);
  }

  /**
   * A further page needs no barrier: what it shows was settled when the listing began. Any node that has the
   * image answers, and one that has not asks the leader, where most listings begin.
   */
  #continueListing(routed: Routed, token: PageToken): void {
    const { view } = this.#options;
    const current = view.image();
    const image = current.endOffset === token.offset ? current : this.#listings.find(token.offset);
    const { request, reply, isForwarded } = routed;
    if (image !== null && (request.minOffset ?? 0) <= image.endOffset) {
      this.#answerable.run(() =>
        this.#read({ ...routed, request: requestOfPage(request, token.place) }, image),
      );
      return;
    }
    if (image === null && !isForwarded && this.#isLedElsewhere()) {
      this.#passOn(routed);
      return;
    }
    const reason =
      image === null
        ? `No image of offset ${token.offset} is kept here any more; node ${token.nodeId} has begun the listing`
        : `The listing shows offset ${token.offset}, which is below the min_offset of this request`;
    reply.fail('OFFSET_OUT_OF_RANGE', `${reason}. List again without continue.`, {
      details: { offset: token.offset, nodeId: token.nodeId },
    });
  }

  /**
   * What is committed never changes, so that no leader needs to be asked for the past: any node that has come so far
   * answers, and one that does not keep that state any more asks the leader.
   */
  #readAt(routed: Routed, at: Offset, token: PageToken | 'first'): void {
    const { request, reply } = routed;
    const fault = findPastFault(at, request, token);
    if (fault !== null) {
      reply.fail('INVALID_REQUEST', fault);
      return;
    }
    const asked = token === 'first' ? request : requestOfPage(request, token.place);
    this.#whenApplied(routed, at, () => {
      const listed = this.#listings.find(at);
      const answer = (state: PastState): void =>
        this.#answerPast(routed, { ...routed, request: asked }, at, state);
      if (listed === null) this.#options.past.find(at, answer);
      else answer({ kind: 'there', image: listed });
    });
  }

  /** `routed` is as it came, and `read` as the operation itself understands it. */
  #answerPast(routed: Routed, read: Routed, at: Offset, state: PastState): void {
    const { reply, isForwarded, operation } = routed;
    if (state.kind === 'there') {
      coverageMark('read: of the past');
      this.#answerable.run(() => this.#read(read, state.image));
    } else if (!isForwarded && this.#isLedElsewhere() && mayBeElsewhere(state)) this.#passOn(routed);
    else if (state.kind === 'busy') {
      reply.fail('THROTTLING_QUOTA_EXCEEDED', 'Too many reads of the past wait on this node.', retrySoon);
    } else if (state.kind === 'failed' || state.kind === 'unreadable') {
      this.#options.onRejected(operation.operationId, state.reason);
      const reason = state.kind === 'unreadable' ? unreadableLog : 'The read could not be answered.';
      reply.fail('UNKNOWN_SERVER_ERROR', reason);
    } else {
      const { message, details } = explainMissing(at, state);
      reply.fail(state.kind === 'gone' ? 'OFFSET_OUT_OF_RANGE' : 'INVALID_REQUEST', message, { details });
    }
  }

  #isLedElsewhere(): boolean {
    const { view } = this.#options;
    const { leaderId } = view.header();
    return leaderId !== null && leaderId !== view.nodeId;
  }

  #takeNewRead(routed: Routed): void {
    const { view, reads } = this.#options;
    const { request, reply } = routed;
    const isStale = request.consistency === 'stale';
    if (!isStale && view.proposer() === null) {
      this.#passOn(routed);
      return;
    }
    if (this.readsWaiting >= runtimeLimits.readsQueuedMax) {
      reply.fail('THROTTLING_QUOTA_EXCEEDED', 'Too many reads wait on this node.', retrySoon);
      return;
    }
    if (isStale) {
      this.#readWhenApplied(routed, request.minOffset);
      return;
    }
    reads.add({
      confirmed: () => this.#readWhenApplied(routed, request.minOffset),
      fail: () => reply.fail('NOT_CONTROLLER', 'This node no longer leads the quorum.', retrySoon),
    });
  }

  /** Answers from the committed image as soon as it has reached the offset that the caller demands. */
  #readWhenApplied(routed: Routed, minOffset: Offset | null): void {
    this.#whenApplied(routed, minOffset, () =>
      this.#answerable.run(() => this.#read(routed, this.#options.view.image())),
    );
  }

  #whenApplied(routed: Routed, minOffset: Offset | null, read: () => void): void {
    if (minOffset === null || this.#options.view.image().endOffset >= minOffset) {
      read();
      return;
    }
    if (this.#waiters.size >= runtimeLimits.offsetWaitersMax) {
      routed.reply.fail('THROTTLING_QUOTA_EXCEEDED', 'Too many reads wait for an offset.', retrySoon);
      return;
    }
    coverageMark('read: waits for the offset that it demands');
    const waiter = {
      reached: read,
      fail: () => routed.reply.fail('NOT_CONTROLLER', 'This node stops.', retrySoon),
    };
    routed.reply.afterwards(this.#waiters.add(minOffset, waiter));
  }

  /** From the state as it is now, which has only gone on since the read became answerable, or that of a listing. */
  #read(routed: Routed, image: MetadataImage): void {
    if (routed.reply.isSettled) return;
    if (this.#isClosed) {
      routed.reply.fail('NOT_CONTROLLER', 'This node stops.', retrySoon);
      return;
    }
    const { clock, random, sessions } = this.#options;
    const context: OperationContext = {
      nextOffset: image.endOffset,
      epoch: image.epoch,
      timestampMs: clock.wallMs(),
      random,
      clusterId: this.#options.view.clusterId,
      principal: routed.request.principal,
      sessions,
      groupSessions: noGroupSessions,
      quorum: this.#options.view.quorum(),
      recordsPerStepMax: runtimeLimits.recordsPerStepMax,
    };
    try {
      const reply = isListing(routed.operation) ? this.#pagingReply(routed.reply, image) : routed.reply;
      const images = { image, present: this.#options.view.image() };
      answerRead(routed.operation, routed.request, reply, images, context);
    } catch (error) {
      // A read changes nothing, so its bug is answered, and takes no controller after the other down.
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.onRejected(routed.operation.operationId, reason);
      routed.reply.fail('UNKNOWN_SERVER_ERROR', 'The read could not be answered.');
    }
  }

  #pagingReply(reply: Reply, image: MetadataImage): Reply {
    return pagingReply(reply, (place) => {
      this.#listings.keep(image);
      return `${image.endOffset}:${this.#options.view.nodeId}:${place}`;
    });
  }

  /** One hop to the leader, if one is known and the request has not made its hop yet. */
  #passOn({ request, reply, isForwarded, isWrite }: Asked): void {
    const { view, forwarder } = this.#options;
    const { leaderId } = view.header();
    if (leaderId === null || leaderId === view.nodeId || isForwarded) {
      const reason =
        leaderId === null || leaderId === view.nodeId
          ? 'No leader serves at the moment'
          : `Node ${view.nodeId} does not lead the quorum`;
      reply.fail('NOT_CONTROLLER', `${reason}; nothing was changed.`, retrySoon);
      return;
    }
    if (isWrite) reply.expose();
    forwarder.forward(leaderId, request, isWrite, (outcome) => {
      if (outcome.ok) reply.pass(outcome.answer);
      else reply.fail(outcome.code, outcome.message, outcome.code === 'OUTCOME_UNKNOWN' ? {} : retrySoon);
    });
  }
}

type Asked = {
  readonly request: ControllerRequest;
  readonly reply: RequestReply;
  readonly isForwarded: boolean;
  /** It may change something, so that an attempt whose answer is lost leaves its outcome unknown. */
  readonly isWrite: boolean;
};

type Routed = Asked & { readonly operation: RegisteredOperation };

const retrySoon = { retryAfterMs: runtimeLimits.retryAfterMs } as const;

/** A write that was appended or passed on may yet take effect; any other, and what only looks, has changed nothing. */
function expire(reply: RequestReply, isWrite: boolean, late: string): void {
  if (!isWrite) reply.fail('REQUEST_TIMED_OUT', late, retrySoon);
  else if (reply.isExposed) reply.fail('OUTCOME_UNKNOWN', unconfirmed);
  else
    reply.fail(
      'THROTTLING_QUOTA_EXCEEDED',
      'The write was not begun in time; nothing was changed.',
      retrySoon,
    );
}

const unconfirmed = 'No majority has confirmed the write in time; it may or may not take effect.';
