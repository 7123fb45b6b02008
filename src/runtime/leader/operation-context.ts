import type { MetadataImage } from '../../metadata/image.ts';
import type { OperationContext, QuorumView } from '../../metadata/operation.ts';
import type { PendingOperation } from './operation-queue.ts';

type Surroundings = Omit<OperationContext, 'nextOffset' | 'timestampMs' | 'principal' | 'quorum'> & {
  readonly quorum: () => QuorumView;
};

/** What an operation knows that is executed on `image`. */
export function operationContext(
  { epoch, random, clusterId, sessions, groupSessions, quorum, policies, recordsPerStepMax }: Surroundings,
  { image, timestampMs }: { readonly image: MetadataImage; readonly timestampMs: number },
  { principal }: PendingOperation,
): OperationContext {
  return {
    nextOffset: image.endOffset,
    epoch,
    timestampMs,
    random,
    clusterId,
    principal,
    sessions,
    groupSessions,
    quorum: quorum(),
    ...(policies === undefined ? {} : { policies }),
    recordsPerStepMax,
  };
}
