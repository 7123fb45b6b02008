import type { BrokerRegistrationChangeRecord } from './records.ts';
import type { BrokerRow } from './resource.ts';

/** A change of a registration that says nothing but what is given. */
export function registrationChange(
  row: BrokerRow,
  change: Partial<BrokerRegistrationChangeRecord>,
): BrokerRegistrationChangeRecord {
  return {
    type: 'BrokerRegistrationChangeRecord',
    brokerId: row.brokerId,
    brokerEpoch: row.brokerEpoch,
    fenced: 0,
    inControlledShutdown: 0,
    logDirs: null,
    ...change,
  };
}
