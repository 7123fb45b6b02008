import { Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import {
  closed,
  defineOperation,
  integerToken,
  nothing,
  refuse,
  schemas,
  unknownToken,
} from '../../define-operation.ts';
import { cordonRecords } from '../broker/cordon.ts';
import { brokerPartitions } from '../topic/state.ts';
import { planDrain } from './drain.ts';

const blockerCode = Type.Union([
  Type.Literal('NO_LEADER'),
  Type.Literal('NO_BROKER_LEFT'),
  Type.Literal('NOT_ENOUGH_RACKS'),
  Type.Literal('BELOW_MIN_ISR'),
  Type.Literal('NOT_IN_SYNC'),
]);
const count = Type.Integer({ minimum: 0 });

export const drainBroker = defineOperation({
  operationId: 'drainBroker',
  method: 'POST',
  path: '/brokers/{brokerId}/drain',
  summary:
    'Cordon a broker, and reassign its replicas to others, as many as one call may; it names what it cannot.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: closed({ brokerId: schemas.brokerId }),
  query: nothing,
  body: closed({
    /** The `continue` of the call before; from the beginning when absent. */
    continue: Type.Optional(Type.String({ maxLength: 512 })),
  }),
  response: closed({
    brokerId: schemas.brokerId,
    /** Replicas that the broker has: what leaves it already, and what is reassigned by this call, included. */
    replicaCount: count,
    /** Partitions that this call reassigns. */
    reassigned: count,
    /** Partitions that were looked at, and left the broker already. */
    moving: count,
    /** Partitions that were looked at and have to stay, each with its reason. */
    blockers: Type.Array(
      closed({
        topic: schemas.topicName,
        partition: schemas.partitionId,
        code: blockerCode,
        message: Type.String(),
      }),
    ),
    continue: schemas.nextToken,
  }),
  errors: ['INVALID_REQUEST', 'BROKER_ID_NOT_REGISTERED'],
  example: {
    params: { brokerId: 1 },
    body: {},
    response: {
      brokerId: 1,
      replicaCount: 3,
      reassigned: 2,
      moving: 0,
      blockers: [
        {
          topic: 'orders',
          partition: 0,
          code: 'NO_BROKER_LEFT',
          message: 'No other broker can take it: ottla.placement.avoid.brokers names broker 4.',
        },
      ],
      continue: null,
    },
  },
  handle: (image, { params, body }) => {
    const { brokerId } = params;
    const row = image.broker.brokers.get(brokerId);
    if (row === null) return refuse('BROKER_ID_NOT_REGISTERED', `Broker ${brokerId} is not registered.`);
    const from = body.continue === undefined ? 0 : integerToken(body.continue);
    if (from === null) return unknownToken;
    const { changes, moving, blockers, next } = planDrain(image, brokerId, from);
    return ok({
      records: [...cordonRecords(image, row, true), ...changes],
      response: {
        brokerId,
        replicaCount: brokerPartitions(image.topic, brokerId).replicas.size,
        reassigned: changes.length,
        moving,
        blockers: blockers.map((blocker) => ({ ...blocker })),
        continue: next === null ? null : String(next),
      },
      modifiedOffset: offset(row.lastModified),
    });
  },
});
