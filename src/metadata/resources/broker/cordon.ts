import { Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import { closed, defineOperation, nothing, refuse, schemas } from '../../define-operation.ts';
import type { MetadataImage } from '../../image.ts';
import type { MetadataRecord } from '../../registry.ts';
import { alterConfigs } from '../config/alter.ts';
import { configInForce } from '../config/in-force.ts';
import { registrationChange } from './registration-change.ts';
import type { BrokerRow } from './resource.ts';

const cordonConfig = 'cordoned.log.dirs';
const allDirectories = '*';

/** Whether a broker gets no new replicas: all its log directories are cordoned, by itself or by the default of all. */
export function isCordoned(image: MetadataImage, brokerId: number): boolean {
  return configInForce(image, { type: 'broker', name: String(brokerId) }, cordonConfig) === allDirectories;
}

const brokerParams = closed({ brokerId: schemas.brokerId });
const cordonResponse = closed({
  brokerId: schemas.brokerId,
  brokerEpoch: schemas.offset,
  isCordoned: Type.Boolean(),
});

export const cordonBroker = defineOperation({
  operationId: 'cordonBroker',
  method: 'POST',
  path: '/brokers/{brokerId}/cordon',
  summary: 'Give a broker no new replicas until uncordonBroker; those that it has stay.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: brokerParams,
  query: nothing,
  body: nothing,
  response: cordonResponse,
  errors: ['BROKER_ID_NOT_REGISTERED'],
  example: { params: { brokerId: 1 }, response: { brokerId: 1, brokerEpoch: 12, isCordoned: true } },
  handle: (image, { params }) => setCordon(image, params.brokerId, true),
});

export const uncordonBroker = defineOperation({
  operationId: 'uncordonBroker',
  method: 'POST',
  path: '/brokers/{brokerId}/uncordon',
  summary: 'Let a broker that was cordoned get new replicas again.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: brokerParams,
  query: nothing,
  body: nothing,
  response: cordonResponse,
  errors: ['BROKER_ID_NOT_REGISTERED'],
  example: { params: { brokerId: 1 }, response: { brokerId: 1, brokerEpoch: 12, isCordoned: false } },
  handle: (image, { params }) => setCordon(image, params.brokerId, false),
});

function setCordon(image: MetadataImage, brokerId: number, wanted: boolean) {
  const row = image.broker.brokers.get(brokerId);
  if (row === null) return refuse('BROKER_ID_NOT_REGISTERED', `Broker ${brokerId} is not registered.`);
  return ok({
    records: cordonRecords(image, row, wanted),
    response: { brokerId, brokerEpoch: row.brokerEpoch, isCordoned: wanted },
    modifiedOffset: offset(row.lastModified),
  });
}

/**
 * None where it is so already. The broker's own value is set, and not taken away: the default of all may say
 * otherwise. The change beside it says nothing but that the registration was modified, which shows it.
 */
export function cordonRecords(
  image: MetadataImage,
  row: BrokerRow,
  wanted: boolean,
): readonly MetadataRecord[] {
  if (isCordoned(image, row.brokerId) === wanted) return [];
  const change = { name: cordonConfig, operation: 'set', value: wanted ? allDirectories : '' } as const;
  const altered = alterConfigs(image, { type: 'broker', name: String(row.brokerId) }, [change]);
  return altered.ok ? [...altered.value, registrationChange(row, {})] : [];
}
