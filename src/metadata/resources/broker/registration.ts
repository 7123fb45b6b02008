import { Type } from 'typebox';
import { brokerId, offset } from '../../../base/brands.ts';
import { coverageMark } from '../../../base/coverage-marks.ts';
import { ok } from '../../../base/result.ts';
import { closed, defineOperation, nothing, refuse, schemas } from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationContext, OperationError } from '../../operation.ts';
import {
  eligibleLeaderReplicasVersion,
  finalizedMetadataVersion,
  findUnsupportedByBroker,
} from '../feature/supported.ts';
import { settleReplicas } from '../topic/settling.ts';
import { brokerPartitions } from '../topic/state.ts';
import { standingOf } from './activity.ts';
import { findDirectoriesFault, mayHaveLostElsewhere, stillOnline } from './registered-directories.ts';
import { endPointsOf, findNodeFault, sameEndPoints, sameFeatures, sameTexts } from './describe-node.ts';
import type { RegisterBrokerRecord, UncleanShutdownRecord } from './records.ts';
import type { BrokerRow } from './resource.ts';
import { listenersSchema, supportedFeaturesSchema } from './schemas.ts';
import type { Static } from 'typebox';

const registrationBody = closed({
  brokerId: schemas.brokerId,
  clusterId: schemas.uuid,
  /** New for each start of the process: it tells a restarted broker from one that repeats itself. */
  incarnationId: schemas.uuid,
  listeners: listenersSchema,
  features: Type.Optional(supportedFeaturesSchema),
  rack: Type.Optional(Type.Union([schemas.name, Type.Null()])),
  /**
   * The broker epoch of the incarnation before, as the broker itself remembers it, if it holds all that this one held.
   * Where it is missing, or is not the last one, the broker leaves every ISR and ELR before it is unfenced.
   */
  previousBrokerEpoch: Type.Optional(schemas.offset),
  /**
   * The incarnation before, of which the broker knows that its process has ended: it holds the exclusive locks of its
   * directories, on the same machine. It need not wait for that one's session then.
   */
  previousIncarnationId: Type.Optional(schemas.uuid),
  /**
   * Ids of the directories in which it has logs, those that are online. Replicas in others are lost. Where it names
   * none, nothing is known of directories. The same incarnation names the same ones each time.
   */
  logDirs: Type.Optional(Type.Array(schemas.uuid, { maxItems: limits.logDirsPerBrokerMax })),
});

type Registration = Static<typeof registrationBody>;

export const registerBroker = defineOperation({
  operationId: 'registerBroker',
  method: 'POST',
  path: '/brokers',
  summary: 'A broker process registers, or amends its own registration. It starts fenced.',
  kind: 'write',
  priority: 'heartbeat',
  mayCall: ['broker'],
  speaksFor: 'body.brokerId',
  params: nothing,
  query: nothing,
  body: registrationBody,
  response: closed({ brokerId: schemas.brokerId, brokerEpoch: schemas.offset, isFenced: Type.Boolean() }),
  successStatus: 201,
  errors: [
    'INVALID_REQUEST',
    'INCONSISTENT_CLUSTER_ID',
    'UNSUPPORTED_VERSION',
    'DUPLICATE_BROKER_REGISTRATION',
  ],
  example: {
    body: {
      brokerId: 1,
      clusterId: exampleIds.cluster,
      incarnationId: exampleIds.incarnation,
      listeners: [{ name: 'PLAINTEXT', host: 'broker-1.example', port: 9092 }],
      rack: 'zone-a',
    },
    response: { brokerId: 1, brokerEpoch: 12, isFenced: true },
  },
  handle: (image, { body }, context) => {
    const refusal = findRefusal(image, body, context);
    if (refusal !== null) return { ok: false, error: refusal };
    const before = image.broker.brokers.get(body.brokerId);
    const record = registrationRecord(image, body, context);
    const id = brokerId(body.brokerId);
    const { brokerEpoch } = record;
    const outcome = {
      response: { brokerId: body.brokerId, brokerEpoch, isFenced: record.fenced },
      heard: { brokerId: id, brokerEpoch, metadataOffset: context.sessions.metadataOffset(id) },
      modifiedOffset: before === null ? null : offset(before.lastModified),
    };
    if (before !== null && isSameRegistration(before, record)) return ok({ ...outcome, records: [] });
    if (before?.brokerEpoch === brokerEpoch) return ok({ ...outcome, records: [record] });
    // What the incarnation before led or kept in sync, this one has yet to catch up with.
    const isUnclean = mayHaveLost(image, body, before);
    const fenced = [body.brokerId];
    const registered = new Map([[body.brokerId, record.logDirs]]);
    const standing = standingOf(image, { fenced, unclean: isUnclean ? fenced : [], registered });
    const { changes, continueWith } = settleReplicas(image, fenced, standing);
    const heard = { brokerId: id, brokerEpoch, metadataOffset: null };
    const records = [record, ...(isUnclean ? [uncleanShutdown(body)] : []), ...changes];
    return ok({ ...outcome, heard, records, continueWith });
  },
});

/**
 * KIP-966: the new incarnation does not show that it holds what the last one held, which is in ISRs or ELRs. Of a
 * broker that was forgotten nobody knows which its last one was.
 */
function mayHaveLost(image: MetadataImage, body: Registration, before: BrokerRow | null): boolean {
  if (finalizedMetadataVersion(image) < eligibleLeaderReplicasVersion) return false;
  const { isrCount, elrCount } = brokerPartitions(image.topic, body.brokerId);
  if (isrCount + elrCount === 0) return false;
  const vouches = before !== null && body.previousBrokerEpoch === before.brokerEpoch;
  if (vouches && !mayHaveLostElsewhere(image, before, body.logDirs ?? [])) return false;
  coverageMark('registration: may have lost what it held');
  return true;
}

function uncleanShutdown({ brokerId: id }: Registration): UncleanShutdownRecord {
  return { type: 'UncleanShutdownRecord', brokerId: id };
}

function findRefusal(
  image: MetadataImage,
  body: Registration,
  context: OperationContext,
): OperationError | null {
  if (body.clusterId !== context.clusterId) {
    return {
      code: 'INCONSISTENT_CLUSTER_ID',
      message: `The broker belongs to cluster ${body.clusterId}; this is ${context.clusterId}.`,
    };
  }
  const features = body.features ?? [];
  const fault = findNodeFault(body.listeners, features);
  if (fault !== null) return { code: 'INVALID_REQUEST', message: fault };
  const directoriesFault = findDirectoriesFault(image, body);
  if (directoriesFault !== null) return { code: 'INVALID_REQUEST', message: directoriesFault };
  const unsupported = findUnsupportedByBroker(image, features);
  if (unsupported !== null) {
    const { name, featureLevel } = unsupported;
    return {
      code: 'UNSUPPORTED_VERSION',
      message: `The broker does not support level ${featureLevel} of ${name}.`,
    };
  }
  const before = image.broker.brokers.get(body.brokerId);
  const isOther = before !== null && before.incarnationId !== body.incarnationId;
  // A broker in controlled shutdown has given its id away already (Kafka: ClusterControlManager).
  if (isOther && !before.inControlledShutdown && context.sessions.isLive(brokerId(body.brokerId))) {
    if (body.previousIncarnationId === before.incarnationId) {
      coverageMark('registration: a quick restart');
      return null;
    }
    coverageMark('registration: another incarnation is alive');
    return {
      code: 'DUPLICATE_BROKER_REGISTRATION',
      message: `Broker ${body.brokerId} is registered by another process whose session is alive. If it is gone, its session expires by itself.`,
    };
  }
  return null;
}

/**
 * The same incarnation keeps its epoch and whether it is fenced (KAFKA-16952); another one gets the offset
 * of this record as its epoch, and starts fenced.
 */
function registrationRecord(
  image: MetadataImage,
  body: Registration,
  context: OperationContext,
): RegisterBrokerRecord {
  const before = image.broker.brokers.get(body.brokerId);
  const amends = before !== null && before.incarnationId === body.incarnationId;
  return {
    type: 'RegisterBrokerRecord',
    brokerId: body.brokerId,
    incarnationId: body.incarnationId,
    brokerEpoch: amends ? before.brokerEpoch : context.nextOffset,
    endPoints: endPointsOf(body.listeners),
    features: body.features ?? [],
    rack: body.rack ?? null,
    fenced: amends ? before.fenced : true,
    inControlledShutdown: amends ? before.inControlledShutdown : false,
    logDirs: amends ? stillOnline(image, body.brokerId, body.logDirs ?? []) : (body.logDirs ?? []),
  };
}

function isSameRegistration(row: BrokerRow, record: RegisterBrokerRecord): boolean {
  return (
    row.brokerEpoch === record.brokerEpoch &&
    row.rack === record.rack &&
    sameEndPoints(row.endPoints, record.endPoints) &&
    sameFeatures(row.features, record.features) &&
    sameTexts(row.logDirs, record.logDirs)
  );
}

export const unregisterBroker = defineOperation({
  operationId: 'unregisterBroker',
  method: 'POST',
  path: '/brokers/{brokerId}/unregister',
  summary: 'Forget a broker that is fenced and will not come back.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: closed({ brokerId: schemas.brokerId }),
  query: nothing,
  body: nothing,
  response: closed({ brokerId: schemas.brokerId, brokerEpoch: schemas.offset }),
  errors: ['BROKER_ID_NOT_REGISTERED', 'BROKER_STILL_ACTIVE'],
  example: { params: { brokerId: 1 }, response: { brokerId: 1, brokerEpoch: 12 } },
  handle: (image, { params }) => {
    const row = image.broker.brokers.get(params.brokerId);
    if (row === null) {
      return refuse('BROKER_ID_NOT_REGISTERED', `Broker ${params.brokerId} is not registered.`);
    }
    if (!row.fenced) {
      coverageMark('registration: an active broker is not forgotten');
      return refuse('BROKER_STILL_ACTIVE', `Broker ${params.brokerId} is not fenced: stop it first.`);
    }
    const { brokerEpoch } = row;
    const fenced = [params.brokerId];
    const { changes, continueWith } = settleReplicas(image, fenced, standingOf(image, { fenced }));
    return ok({
      records: [{ type: 'UnregisterBrokerRecord', brokerId: params.brokerId, brokerEpoch }, ...changes],
      response: { brokerId: params.brokerId, brokerEpoch },
      modifiedOffset: offset(row.lastModified),
      forgotten: brokerId(params.brokerId),
      continueWith,
    });
  },
});
