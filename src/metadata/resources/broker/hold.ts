import { Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import { closed, defineOperation, nothing, refuse, schemas } from '../../define-operation.ts';
import type { MetadataImage } from '../../image.ts';
import type { MetadataRecord } from '../../registry.ts';
import { registrationChange } from './registration-change.ts';
import type { BrokerRow } from './resource.ts';

/** Whether an operator holds the broker. */
export function isHeld(image: MetadataImage, broker: number): boolean {
  return image.broker.holds.get(broker) !== null;
}

const brokerParams = closed({ brokerId: schemas.brokerId });

const holdResponse = closed({
  brokerId: schemas.brokerId,
  brokerEpoch: schemas.offset,
  isFenced: Type.Boolean(),
  isHeld: Type.Boolean(),
});

export const fenceBroker = defineOperation({
  operationId: 'fenceBroker',
  method: 'POST',
  path: '/brokers/{brokerId}/fence',
  summary:
    'Hold a broker: its lease is not renewed, it is fenced once that is over, and stays so until unfenceBroker.',
  kind: 'write',
  priority: 'fencing',
  mayCall: ['operator'],
  params: brokerParams,
  query: nothing,
  body: nothing,
  response: holdResponse,
  errors: ['BROKER_ID_NOT_REGISTERED'],
  example: {
    params: { brokerId: 1 },
    response: { brokerId: 1, brokerEpoch: 12, isFenced: false, isHeld: true },
  },
  handle: (image, { params }) => setHold(image, params.brokerId, true),
});

export const unfenceBroker = defineOperation({
  operationId: 'unfenceBroker',
  method: 'POST',
  path: '/brokers/{brokerId}/unfence',
  summary: 'Let go of a broker that was held: its next heartbeat unfences it, if it has caught up.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: brokerParams,
  query: nothing,
  body: nothing,
  response: holdResponse,
  errors: ['BROKER_ID_NOT_REGISTERED'],
  example: {
    params: { brokerId: 1 },
    response: { brokerId: 1, brokerEpoch: 12, isFenced: true, isHeld: false },
  },
  handle: (image, { params }) => setHold(image, params.brokerId, false),
});

function setHold(image: MetadataImage, brokerId: number, wanted: boolean) {
  const row = image.broker.brokers.get(brokerId);
  if (row === null) return refuse('BROKER_ID_NOT_REGISTERED', `Broker ${brokerId} is not registered.`);
  return ok({
    records: isHeld(image, brokerId) === wanted ? [] : holdRecords(row, wanted),
    response: { brokerId, brokerEpoch: row.brokerEpoch, isFenced: row.fenced, isHeld: wanted },
    modifiedOffset: offset(row.lastModified),
  });
}

/** The change beside it says nothing but that the registration was modified: its tag covers whether it is held. */
function holdRecords(row: BrokerRow, wanted: boolean): readonly MetadataRecord[] {
  return [{ type: 'HoldBrokerRecord', brokerId: row.brokerId, isHeld: wanted }, registrationChange(row, {})];
}
