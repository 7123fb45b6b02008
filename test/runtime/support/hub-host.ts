import { epoch, nodeId, type NodeId, offset, uuid } from '../../../src/base/brands.ts';
import { batchPayload } from '../../../src/codec/batch.ts';
import { decodeRecords } from '../../../src/codec/record-value.ts';
import { createImageBuilder, emptyImage, type MetadataImage } from '../../../src/metadata/image.ts';
import { builtInRegistry, type MetadataRecord } from '../../../src/metadata/registry.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { BatchRecords } from '../../../src/runtime/watch/batch-records.ts';
import { openWatchLater } from '../../../src/runtime/watch/open-watch.ts';
import { WatchHub } from '../../../src/runtime/watch/watch-hub.ts';
import { VirtualProcess } from './clock.ts';
import { ListLog } from './list-log.ts';
import { RecordedWatch } from './watch.ts';

export const hubClusterId = uuid('BBBBBBBBBBBBBBBBBBBBBA');

export const session = (sessionId: number): MetadataRecord => ({
  type: 'OpenSessionRecord',
  sessionId,
  principal: 'tester',
  timeoutMs: 60_000,
});

/** A hub over a log whose state is applied as the test says. */
export class HubHost {
  readonly host = new VirtualProcess();
  readonly clock: Clock;
  readonly log = new ListLog(this.host.schedule);
  readonly records = new BatchRecords(builtInRegistry);
  image: MetadataImage = emptyImage;
  leaderId: NodeId | null = nodeId(1);
  readonly hub: WatchHub;

  constructor(clockOf = (host: VirtualProcess): Clock => host.clock) {
    this.clock = clockOf(this.host);
    this.hub = new WatchHub({
      nodeId: nodeId(0),
      clusterId: hubClusterId,
      clock: this.clock,
      log: this.log.asLog(),
      records: this.records,
      image: () => this.image,
      logStartOffset: () => this.log.startOffset,
      leaderId: () => this.leaderId,
      recentBytesMax: 4_096,
    });
  }

  watch(request: ConstructorParameters<typeof RecordedWatch>[1] = {}): RecordedWatch {
    return new RecordedWatch(
      (asked, listener) => openWatchLater(this.host.clock, () => this.hub.open(asked, listener)),
      request,
    );
  }

  /** Whatever is in the log and not applied yet is committed. */
  commit(isTold = true): void {
    const builder = createImageBuilder(this.image);
    for (const batch of this.log.batches) {
      if (batch.baseOffset < this.image.endOffset || batch.kind === 'control') continue;
      const decoded = decodeRecords(builtInRegistry, batchPayload(batch), batch.recordCount);
      if (!decoded.ok) throw new Error(decoded.error.message);
      for (const [at, record] of decoded.value.entries()) {
        const position = { offset: offset(batch.baseOffset + at), epoch: batch.epoch, timestampMs: 7 };
        builder.replay(record, position);
      }
    }
    this.image = builder.freeze(this.log.endOffset, this.log.batches.at(-1)?.epoch ?? epoch(1));
    if (isTold) this.hub.applied();
  }

  /** The log is replaced by a snapshot that ends behind what else was written. */
  jump(...batches: readonly (readonly MetadataRecord[])[]): void {
    for (const records of batches) this.log.data(records);
    this.commit(false);
    this.log.cleanTo(this.image.endOffset);
    this.hub.applied();
  }

  write(...batches: readonly (readonly MetadataRecord[])[]): void {
    for (const records of batches) this.log.data(records);
    this.commit();
  }

  run(forMs = 20): void {
    this.host.run(forMs);
  }
}
