import type { Uuid } from '../../../base/brands.ts';
import { coverageMark } from '../../../base/coverage-marks.ts';
import type { MetadataImage } from '../../image.ts';
import type { InternalOperation } from '../../operation.ts';
import type { MetadataRecord } from '../../registry.ts';
import { finalizedMetadataVersion, logDirectoriesVersion } from '../feature/supported.ts';
import { settleReplicas } from '../topic/settling.ts';
import { brokerPartitions } from '../topic/state.ts';
import { standingOf } from './activity.ts';
import { registrationChange } from './registration-change.ts';
import type { BrokerRow } from './resource.ts';

type Loss = {
  readonly isFenced: boolean;
  readonly records: readonly MetadataRecord[];
  readonly continueWith: InternalOperation | null;
};

/**
 * What it takes when a broker says that directories are offline which were online until now (Kafka:
 * handleDirectoriesOffline); null where there are none. The record of it comes first, then the partitions, in as many
 * batches as it takes.
 */
export function loseDirectories(image: MetadataImage, row: BrokerRow, offline: readonly Uuid[]): Loss | null {
  if (finalizedMetadataVersion(image) < logDirectoriesVersion) return null;
  const left = row.logDirs.filter((directory) => !offline.includes(directory));
  if (left.length === row.logDirs.length) return null;
  return left.length === 0 ? loseAll(image, row) : loseSome(image, row, left);
}

function loseSome(image: MetadataImage, row: BrokerRow, left: readonly Uuid[]): Loss {
  coverageMark('broker: a log directory goes offline');
  const standing = standingOf(image, { left: new Map([[row.brokerId, left]]) });
  const { changes, continueWith } = settleReplicas(image, [row.brokerId], standing);
  const records = [registrationChange(row, { logDirs: left }), ...changes];
  return { isFenced: row.fenced, records, continueWith };
}

/**
 * Nothing that it held is left. It is fenced, as one that leaves for good: nothing of what others remember of it under
 * this registration is true any more. The next incarnation may register at once.
 */
function loseAll(image: MetadataImage, row: BrokerRow): Loss {
  coverageMark('broker: its last log directory goes offline');
  const ids = [row.brokerId];
  const { isrCount, elrCount } = brokerPartitions(image.topic, row.brokerId);
  const standing = standingOf(image, { fenced: ids, unclean: ids });
  const { changes, continueWith } = settleReplicas(image, ids, standing);
  const end = registrationChange(row, { fenced: 1, inControlledShutdown: 1, logDirs: [] });
  const { brokerId } = row;
  const unclean = isrCount + elrCount > 0 ? [{ type: 'UncleanShutdownRecord', brokerId } as const] : [];
  return { isFenced: true, records: [end, ...unclean, ...changes], continueWith };
}
