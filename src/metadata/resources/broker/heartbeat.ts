import { Type, type Static } from 'typebox';
import { brokerId, offset } from '../../../base/brands.ts';
import { coverageMark } from '../../../base/coverage-marks.ts';
import { ok } from '../../../base/result.ts';
import { closed, defineOperation, nothing, refuse, schemas } from '../../define-operation.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { InternalOperation, OperationContext } from '../../operation.ts';
import type { MetadataRecord } from '../../registry.ts';
import { isSettled, settleLeaderless, settleReplicas } from '../topic/settling.ts';
import { brokerPartitions } from '../topic/state.ts';
import { activityOf, standingOf } from './activity.ts';
import { isHeld } from './hold.ts';
import { loseDirectories } from './lost-directories.ts';
import { registrationChange } from './registration-change.ts';
import type { BrokerRow } from './resource.ts';

const heartbeatBody = closed({
  brokerEpoch: schemas.offset,
  /** Up to which offset (exclusive) the broker has taken in the metadata log. */
  metadataOffset: schemas.offset,
  wantFence: Type.Optional(Type.Boolean()),
  wantShutDown: Type.Optional(Type.Boolean()),
  /**
   * Those of its directories that have failed since it registered: it has stopped to lead and to follow what was there.
   * They stay offline for as long as this registration counts.
   */
  offlineLogDirs: Type.Optional(Type.Array(schemas.uuid, { maxItems: limits.logDirsPerBrokerMax })),
});

type Heartbeat = Static<typeof heartbeatBody>;

export const heartbeatBroker = defineOperation({
  operationId: 'heartbeatBroker',
  method: 'POST',
  path: '/brokers/{brokerId}/heartbeat',
  summary: 'A broker says that it lives, how far it has read, and whether it wants to be fenced or to leave.',
  kind: 'heartbeat',
  priority: 'heartbeat',
  mayCall: ['broker'],
  speaksFor: 'params.brokerId',
  params: closed({ brokerId: schemas.brokerId }),
  query: nothing,
  body: heartbeatBody,
  response: closed({
    /** It has taken in its own registration. */
    isCaughtUp: Type.Boolean(),
    isFenced: Type.Boolean(),
    /** It leads nothing any more and everyone who reads metadata knows: it may stop. */
    shouldShutDown: Type.Boolean(),
    /** The leader fences the broker when it hears nothing for so long; the broker's lease ends before that. */
    sessionTimeoutMs: Type.Integer({ minimum: 1 }),
  }),
  errors: ['BROKER_ID_NOT_REGISTERED', 'STALE_BROKER_EPOCH'],
  example: {
    params: { brokerId: 1 },
    body: { brokerEpoch: 12, metadataOffset: 40 },
    response: { isCaughtUp: true, isFenced: false, shouldShutDown: false, sessionTimeoutMs: 9_000 },
  },
  handle: (image, { params, body }, context) => {
    const row = image.broker.brokers.get(params.brokerId);
    if (row === null) {
      return refuse('BROKER_ID_NOT_REGISTERED', `Broker ${params.brokerId} is not registered.`);
    }
    if (row.brokerEpoch !== body.brokerEpoch) {
      coverageMark('heartbeat: of an earlier registration');
      return refuse(
        'STALE_BROKER_EPOCH',
        `Broker ${params.brokerId} has epoch ${row.brokerEpoch}, not ${body.brokerEpoch}.`,
      );
    }
    const denied = isDenied(image, row, body);
    const lost = loseDirectories(image, row, body.offlineLogDirs ?? []);
    // What else it wants, it says again.
    if (lost !== null) return ok(lossAnswer(row, body, lost, denied, context));
    if (denied) {
      coverageMark('heartbeat: of a broker that is held, and has its lease still');
      const { sessionTimeoutMs } = context.sessions;
      return ok({
        records: [],
        response: {
          isCaughtUp: isCaughtUp(row, body),
          isFenced: true,
          shouldShutDown: false,
          sessionTimeoutMs,
        },
      });
    }
    const step = row.fenced ? stepFenced(image, row, body) : stepUnfenced(image, row, body, context);
    const { isFenced, shouldShutDown, records, continueWith } = step;
    const { sessionTimeoutMs } = context.sessions;
    return ok({
      records,
      continueWith,
      response: { isCaughtUp: isCaughtUp(row, body), isFenced, shouldShutDown, sessionTimeoutMs },
      heard: heardOf(row, body),
      modifiedOffset: offset(row.lastModified),
    });
  },
});

function heardOf({ brokerId: id, brokerEpoch }: BrokerRow, { metadataOffset }: Heartbeat) {
  return { brokerId: brokerId(id), brokerEpoch, metadataOffset: offset(metadataOffset) };
}

function lossAnswer(
  row: BrokerRow,
  body: Heartbeat,
  { isFenced, records, continueWith }: NonNullable<ReturnType<typeof loseDirectories>>,
  isDenied: boolean,
  { sessions: { sessionTimeoutMs } }: OperationContext,
) {
  const heard = heardOf(row, body);
  return {
    records,
    continueWith,
    response: {
      isCaughtUp: isCaughtUp(row, body),
      isFenced: isFenced || isDenied,
      shouldShutDown: false,
      sessionTimeoutMs,
    },
    ...(isDenied ? {} : { heard }),
    modifiedOffset: offset(row.lastModified),
  };
}

/**
 * A broker that an operator holds gets no further lease: it is told that it is fenced, and it is not heard, so
 * that its session ends by itself. Fenced at once, it would be replaced while its lease still ran.
 */
function isDenied(image: MetadataImage, row: BrokerRow, body: Heartbeat): boolean {
  const leaves = row.inControlledShutdown || body.wantShutDown === true || body.wantFence === true;
  return !row.fenced && !leaves && isHeld(image, row.brokerId);
}

/** What a heartbeat leads to. */
type Step = {
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
  readonly records: readonly MetadataRecord[];
  readonly continueWith: InternalOperation | null;
};

/**
 * Compared with its own registration alone: compared with the log's end, a busy log would keep it fenced for
 * ever (KAFKA-13959).
 */
function isCaughtUp(row: BrokerRow, { metadataOffset }: Heartbeat): boolean {
  return metadataOffset > row.brokerEpoch;
}

function unchanged(isFenced: boolean, shouldShutDown: boolean): Step {
  return { isFenced, shouldShutDown, records: [], continueWith: null };
}

/**
 * An incarnation that had begun to leave does not come back: it could neither lead nor be in an ISR. The
 * next incarnation can.
 */
function stepFenced(image: MetadataImage, row: BrokerRow, body: Heartbeat): Step {
  if (body.wantShutDown === true) return unchanged(true, true);
  if (row.inControlledShutdown || isHeld(image, row.brokerId)) return unchanged(true, false);
  if (body.wantFence === true || !isCaughtUp(row, body)) return unchanged(true, false);
  if (!isSettled(image.topic, row.brokerId, standingOf(image))) return unchanged(true, false);
  const standing = standingOf(image, { active: new Map([[row.brokerId, true]]) });
  const { changes, continueWith } = settleLeaderless(image, standing);
  const record = registrationChange(row, { fenced: -1 });
  return { isFenced: false, shouldShutDown: false, records: [record, ...changes], continueWith };
}

/**
 * Kafka's BrokerHeartbeatManager: a broker that wants to leave gives its leaderships away, and may go once
 * it leads nothing and every active broker has read of that.
 */
function stepUnfenced(
  image: MetadataImage,
  row: BrokerRow,
  body: Heartbeat,
  context: OperationContext,
): Step {
  if (body.wantFence === true) return fenceNow(image, row, body.wantShutDown === true);
  const leads = brokerPartitions(image.topic, row.brokerId).leaderCount > 0;
  if (!row.inControlledShutdown) {
    if (body.wantShutDown !== true) return unchanged(false, false);
    return leads ? beginShutdown(image, row) : fenceNow(image, row, true);
  }
  if (leads) return unchanged(false, false);
  if (row.drainedOffset === null) {
    const records = [registrationChange(row, { inControlledShutdown: 1 })];
    return { isFenced: false, shouldShutDown: false, records, continueWith: null };
  }
  return haveAllPassed(image, row, row.drainedOffset, context)
    ? fenceNow(image, row, true)
    : unchanged(false, false);
}

function beginShutdown(image: MetadataImage, row: BrokerRow): Step {
  coverageMark('controlled shutdown: begins');
  const standing = standingOf(image, { active: new Map([[row.brokerId, false]]) });
  const { changes, continueWith } = settleReplicas(image, [row.brokerId], standing);
  const records = [registrationChange(row, { inControlledShutdown: 1 }), ...changes];
  return { isFenced: false, shouldShutDown: false, records, continueWith };
}

function fenceNow(image: MetadataImage, row: BrokerRow, shouldShutDown: boolean): Step {
  return { isFenced: true, shouldShutDown, ...fence(image, [row]) };
}

function haveAllPassed(
  image: MetadataImage,
  leaving: BrokerRow,
  drainedOffset: number,
  context: OperationContext,
): boolean {
  const isActive = activityOf(image);
  for (const { brokerId: id } of image.broker.brokers.values()) {
    if (id === leaving.brokerId || !isActive(id)) continue;
    if ((context.sessions.metadataOffset(brokerId(id)) ?? 0) > drainedOffset) continue;
    coverageMark('controlled shutdown: waits until all have read of it');
    return false;
  }
  return true;
}

/** The records that fence `rows`, and what is left to settle after them. */
export function fence(
  image: MetadataImage,
  rows: readonly BrokerRow[],
): { readonly records: readonly MetadataRecord[]; readonly continueWith: InternalOperation | null } {
  const ids = rows.map((row) => row.brokerId);
  const { changes, continueWith } = settleReplicas(image, ids, standingOf(image, { fenced: ids }));
  const fences = rows.map((row) => registrationChange(row, { fenced: 1 }));
  return { records: [...fences, ...changes], continueWith };
}
