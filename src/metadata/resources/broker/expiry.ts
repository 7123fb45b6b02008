import { type BrokerId, brokerId } from '../../../base/brands.ts';
import type { InternalOperation } from '../../operation.ts';
import { fence } from './heartbeat.ts';
import type { BrokerRow } from './resource.ts';

/** Fence records of one batch at most; there is room for the first partitions beside them. */
const brokersPerBatchMax = 500;

/**
 * Fences the brokers whose sessions have expired: the fence records first, then their partitions, in as
 * many batches as it takes (protocols 7). A broker that was heard meanwhile, or is fenced already, is left
 * alone: the session view decides at the moment of generation (design 13).
 */
export function expireBrokerSessions(brokers: readonly BrokerId[]): InternalOperation {
  return {
    name: 'expireBrokerSessions',
    priority: 'fencing',
    handle: (image, context) => {
      const rows: BrokerRow[] = [];
      for (const id of brokers.slice(0, brokersPerBatchMax)) {
        const row = image.broker.brokers.get(id);
        if (row !== null && !row.fenced && !context.sessions.isLive(brokerId(id))) rows.push(row);
      }
      const rest = brokers.slice(brokersPerBatchMax);
      const { records, continueWith } = fence(image, rows);
      return { records, continueWith: rest.length === 0 ? continueWith : after(continueWith, rest) };
    },
  };
}

/** First what is left of `work`, then the other brokers. */
function after(work: InternalOperation | null, rest: readonly BrokerId[]): InternalOperation {
  if (work === null) return expireBrokerSessions(rest);
  return {
    name: work.name,
    priority: 'fencing',
    handle: (image, context) => {
      const { records, continueWith } = work.handle(image, context);
      return { records, continueWith: after(continueWith, rest) };
    },
  };
}
