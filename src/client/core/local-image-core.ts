import { assert } from '../../base/assert.ts';
import { epoch, isOffset, type Offset } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import {
  createEditor,
  createImageBuilder,
  emptyImageOf,
  type ImageBuilder,
  type ImageEditor,
  type ImageHeader,
  type MetadataImage,
} from '../../metadata/image.ts';
import type { MetadataRecord, Registry } from '../../metadata/registry.ts';
import { isFeatureOfKind } from '../../metadata/resources/custom/kind.ts';
import { findStructFault } from '../../metadata/schema-values.ts';
import type {
  WatchDelta,
  WatchEvent,
  WatchRecord,
  WatchStateBegin,
  WatchStateRecord,
} from '../../runtime/watch/watch-api.ts';

/**
 * A copy of the metadata that follows a watch: the same replay as the controllers', over what came.
 *
 * Invariants
 * 1. `image` is null until the first state is whole; from then on it is the state at `image.endOffset`, also while
 *    another state is coming in.
 * 2. With everything watched its records are those of the controllers at the same offset, as `shownRecord` shows
 *    them.
 */
export class LocalImageCore {
  readonly #registry: Registry;
  #image: MetadataImage | null = null;
  #loading: { readonly editor: ImageEditor; readonly header: ImageHeader } | null = null;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  get image(): MetadataImage | null {
    return this.#image;
  }

  /**
   * The next event of the watch. A failure says what of it this software does not understand: a newer cluster's
   * record, of which the copy cannot be made.
   */
  take(event: Exclude<WatchEvent, { kind: 'heartbeat' }>): Result<null, string> {
    switch (event.kind) {
      case 'stateBegin':
        this.#begin(event);
        return done;
      case 'state':
        return this.#load(event.records);
      case 'stateEnd':
        this.#finish(event.offset);
        return done;
      case 'delta':
        return this.#replay(event);
      case 'bookmark':
        this.#moveTo(event.offset);
        return done;
      default:
        return event satisfies never;
    }
  }

  #begin({ offset, epoch: imageEpoch, timestampMs }: WatchStateBegin): void {
    this.#loading = {
      editor: createEditor(emptyImageOf(this.#registry)),
      header: { endOffset: offset, epoch: imageEpoch, timestampMs },
    };
  }

  #load(records: readonly WatchStateRecord[]): Result<null, string> {
    const loading = this.#loading;
    assert(loading !== null, 'a piece of the state comes after its beginning');
    for (const each of records) {
      if (this.#isOfOtherKind(each)) continue;
      const record = toMetadataRecord(this.#registry, each);
      if (!record.ok) return record;
      const { offset, timestampMs } = each;
      const registered = this.#registry.recordsByName.get(each.type);
      const handler = registered?.resource.replay[each.type];
      assert(registered !== undefined && handler !== undefined, `${each.type} has a handler`);
      handler(loading.editor.draftOf(registered.resource), record.value, {
        offset,
        epoch: epoch(0),
        timestampMs,
      });
    }
    return done;
  }

  #finish(offset: Offset): void {
    const loading = this.#loading;
    assert(loading?.header.endOffset === offset, 'a state ends where it said');
    this.#image = loading.editor.freeze(loading.header);
    this.#loading = null;
  }

  #replay(delta: WatchDelta): Result<null, string> {
    const image = this.#image;
    assert(image !== null, 'a delta comes after the state');
    assert(delta.continues === undefined, 'a transaction is given whole');
    const builder = createImageBuilder(image);
    for (const part of delta.parts ?? [delta]) {
      const replayed = this.#replayPart(builder, part);
      if (!replayed.ok) return replayed;
    }
    this.#image = builder.freeze(delta.endOffset, delta.epoch);
    return done;
  }

  #replayPart(
    builder: ImageBuilder,
    { records, epoch: batchEpoch, timestampMs }: WatchDelta,
  ): Result<null, string> {
    for (const each of records) {
      if (this.#isOfOtherKind(each)) continue;
      const record = toMetadataRecord(this.#registry, each);
      if (!record.ok) return record;
      builder.replay(record.value, { offset: each.offset, epoch: batchEpoch, timestampMs });
    }
    return done;
  }

  /** A kind that a user has defined for the controllers, and that this copy was not given. */
  #isOfOtherKind({ type }: WatchRecord): boolean {
    return isFeatureOfKind(type) && !this.#registry.recordsByName.has(type);
  }

  /** Nothing that is watched has happened up to there. */
  #moveTo(offset: Offset): void {
    const image = this.#image;
    assert(image !== null, 'a bookmark comes after the state');
    if (offset > image.endOffset) this.#image = createImageBuilder(image).freeze(offset, image.epoch);
  }
}

const done: Result<null, string> = ok(null);

/** What came is a record that this software knows, with fields as its schema wants them. */
export function toMetadataRecord(
  { recordsByName }: Registry,
  { type, value, offset }: WatchRecord,
): Result<MetadataRecord, string> {
  const registered = recordsByName.get(type);
  if (registered === undefined) return failed(`this client does not know the record ${type}`);
  if (!isOffset(offset)) return failed(`a ${type} stands at no offset`);
  const fault = findStructFault(registered.schema.fields, value);
  if (fault !== null) return failed(`${type}${fault}`);
  // The schema by which it was checked belongs to one of the record types.
  return ok({ ...value, type } as unknown as MetadataRecord);
}
