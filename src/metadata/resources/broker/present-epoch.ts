import type { Failed } from '../../../base/result.ts';
import { refuse } from '../../define-operation.ts';
import type { MetadataImage } from '../../image.ts';
import type { OperationError } from '../../operation.ts';

/** Why a broker's word does not count: it is not registered, or under another epoch. Null when it counts. */
export function findStaleBroker(
  image: MetadataImage,
  { brokerId, brokerEpoch }: { readonly brokerId: number; readonly brokerEpoch: number },
): Failed<OperationError> | null {
  const row = image.broker.brokers.get(brokerId);
  if (row === null) return refuse('BROKER_ID_NOT_REGISTERED', `Broker ${brokerId} is not registered.`);
  if (row.brokerEpoch === brokerEpoch) return null;
  return refuse('STALE_BROKER_EPOCH', `Broker ${brokerId} has epoch ${row.brokerEpoch}.`);
}
