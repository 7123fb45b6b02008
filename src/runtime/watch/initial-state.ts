import { type MetadataImage, type PositionedRecord, toRecords } from '../../metadata/image.ts';
import type { MetadataRecord, Registry } from '../../metadata/registry.ts';
import { shownRecord } from '../../metadata/shown-record.ts';
import type { KindFilter } from './kind-filter.ts';
import type { WatchEvent, WatchStateRecord } from './watch-api.ts';

/**
 * The events of a stream's beginning, each array as large as one slice of work may make it. The image is
 * pinned until the last is taken: it costs what has changed since, and nothing when nothing has.
 */
export function* initialState(
  image: MetadataImage,
  filter: KindFilter | null,
  recordsMax: number,
): Generator<readonly WatchEvent[], void, undefined> {
  const { endOffset: offset, epoch, timestampMs } = image;
  let events: WatchEvent[] = [{ kind: 'stateBegin', offset, epoch, timestampMs }];
  let records: WatchStateRecord[] = [];
  let looked = 0;
  for (const positioned of toRecords(image)) {
    if (isWanted(image.registry, positioned.record, filter)) records.push(stateRecord(positioned));
    // What is left out counts as well, because looking at it takes its time.
    if (++looked < recordsMax) continue;
    looked = 0;
    if (records.length > 0) events.push({ kind: 'state', records });
    yield events;
    events = [];
    records = [];
  }
  if (records.length > 0) events.push({ kind: 'state', records });
  events.push({ kind: 'stateEnd', offset });
  yield events;
}

function isWanted(registry: Registry, record: MetadataRecord, filter: KindFilter | null): boolean {
  if (filter === null) return true;
  const name = registry.recordsByName.get(record.type)?.resource.name;
  return name !== undefined && filter.kinds.has(name);
}

function stateRecord({ record, position }: PositionedRecord<MetadataRecord>): WatchStateRecord {
  const { type, ...value } = shownRecord(record);
  return { offset: position.offset, timestampMs: position.timestampMs, type, value };
}
