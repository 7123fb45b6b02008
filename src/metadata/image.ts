import { assert, violated } from '../base/assert.ts';
import { epoch, offset, type Epoch, type Offset } from '../base/brands.ts';
import { addDigests, type Digest, digestText, Hasher, zeroDigest } from '../base/digest.ts';
import { EditToken } from '../base/edit-token.ts';
import {
  builtInRegistry,
  type MetadataRecord,
  type Registry,
  type ResourceName,
  type StateOf,
} from './registry.ts';
import type { AnyResource, Position, PositionedRecord, TableDefinition } from './resource.ts';
import { hashStruct } from './schema-values.ts';

/**
 * The whole state at one offset; persistent, so that keeping one costs a pointer (design 12). It has a
 * state for each resource, by the resource's name.
 */
export type MetadataImage = ImageHeader & {
  /** The kinds of which it has a state. */
  readonly registry: Registry;
} & { readonly [Name in ResourceName]: StateOf<Name> };

export type ImageHeader = {
  /** Exclusive: the image reflects every record below it. */
  readonly endOffset: Offset;
  /** Epoch of the last batch that the image reflects. */
  readonly epoch: Epoch;
  /** Wall clock of the last batch; never decreasing. */
  readonly timestampMs: number;
};

export type ImageBuilder = {
  /** Changes the state by one record. What it throws is a contradiction in the log; then drop the builder. */
  replay(record: MetadataRecord, position: Position): void;
  /**
   * The image with all that was replayed so far: what the next operation of the same batch reads. Nothing is
   * copied for it, so the next replay may change it under whoever still looks: it is for the one who reads
   * it, lets go of it, and then goes on.
   */
  peek(): MetadataImage;
  /** Ends the builder. States that no record touched are shared with the image before. */
  freeze(endOffset: Offset, epoch: Epoch): MetadataImage;
};

type States = Record<string, unknown>;

/** The state of an empty log, to whoever knows these kinds. */
export function emptyImageOf(registry: Registry): MetadataImage {
  return asImage({
    registry,
    endOffset: offset(0),
    epoch: epoch(0),
    timestampMs: 0,
    ...Object.fromEntries(registry.resources.map((resource) => [resource.name, resource.empty()])),
  });
}

/** The same with the kinds of this software alone. */
export const emptyImage: MetadataImage = emptyImageOf(builtInRegistry);

/**
 * The one place where states by name become an image. They have its shape: the empty image has a state of
 * every resource, made by that resource, and each later one is put in by the resource of its name.
 */
function asImage(states: Readonly<States>): MetadataImage {
  return Object.freeze(states) as MetadataImage;
}

/** The state of a resource, for code that treats all of them alike. */
export function stateOf(image: MetadataImage, resource: AnyResource): unknown {
  const states: Readonly<States> = image;
  return states[resource.name];
}

export function createImageBuilder(base: MetadataImage): ImageBuilder {
  const { recordsByName } = base.registry;
  let editor: ImageEditor | null = null;
  let last: Position | null = null;
  let isFrozen = false;

  const headerAt = (endOffset: Offset, imageEpoch: Epoch): ImageHeader => {
    const timestampMs = Math.max(base.timestampMs, last?.timestampMs ?? 0);
    return { endOffset, epoch: imageEpoch, timestampMs };
  };

  return {
    replay(record, position) {
      assert(!isFrozen, 'an image builder was used after it was frozen');
      const registered = recordsByName.get(record.type);
      if (registered === undefined) violated(`no kind of metadata has the record ${record.type}`);
      const handler = registered.resource.replay[record.type];
      if (handler === undefined) violated(`no handler for ${record.type}`);
      editor ??= createEditor(base);
      handler(editor.draftOf(registered.resource), record, position);
      last = position;
    },
    peek() {
      assert(!isFrozen, 'an image builder was used after it was frozen');
      if (editor === null || last === null) return base;
      return editor.peek(headerAt(offset(last.offset + 1), last.epoch));
    },
    freeze(endOffset, imageEpoch) {
      assert(!isFrozen, 'an image builder was used after it was frozen');
      isFrozen = true;
      const header = headerAt(endOffset, imageEpoch);
      return editor === null ? asImage({ ...base, ...header }) : editor.freeze(header);
    },
  };
}

/** Drafts of the resources that are touched; also how a checkpoint is loaded. */
export type ImageEditor = {
  draftOf(resource: AnyResource): unknown;
  /** What stands now; valid until a draft is changed again. Drafts given out before are void. */
  peek(header: ImageHeader): MetadataImage;
  freeze(header: ImageHeader): MetadataImage;
};

export function createEditor(image: MetadataImage): ImageEditor {
  const token = new EditToken();
  /** Of what was touched: since the last look, or from the beginning where the resource has a live look. */
  const drafts = new Map<AnyResource, unknown>();
  const current: States = { ...image };
  const settle = (): void => {
    for (const [resource, draft] of drafts) current[resource.name] = resource.freeze(draft);
    drafts.clear();
  };
  return {
    draftOf(resource) {
      // Under the same token: what this editor has copied once it goes on changing in place.
      if (!drafts.has(resource)) drafts.set(resource, resource.edit(current[resource.name], token));
      return drafts.get(resource);
    },
    peek(header) {
      for (const [resource, draft] of drafts) {
        if (resource.look !== undefined) current[resource.name] = resource.look(draft);
        else {
          current[resource.name] = resource.freeze(draft);
          drafts.delete(resource);
        }
      }
      return asImage({ ...current, ...header });
    },
    freeze(header) {
      settle();
      token.end();
      return asImage({ ...current, ...header });
    },
  };
}

/**
 * The digest of the state, as 16 hexadecimal digits: equal on every node at equal offset, however each
 * came there (design 12). It depends neither on where rows are stored nor on `endOffset`. Pages keep their
 * digest, so that it costs what changed since it was last asked for.
 */
export function imageDigest(image: MetadataImage): string {
  const steps = digestSteps(image);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The digest in steps of one page each, for whoever may not stay away long; it returns what `imageDigest` does. */
export function* digestSteps(image: MetadataImage): Generator<null, string, undefined> {
  const hasher = new Hasher();
  for (const table of image.registry.tables) {
    const state = stateOf(image, table.resource);
    const { definition } = table;
    let sum = zeroDigest;
    const { pageCount } = definition.table(state);
    for (let index = 0; index < pageCount; index++) {
      sum = addDigests(sum, pageDigestOf(state, definition, index));
      yield null;
    }
    hasher.int32(definition.id);
    hasher.digest(sum);
  }
  return digestText(hasher.finish());
}

function pageDigestOf(state: unknown, definition: TableDefinition<unknown, unknown>, index: number): Digest {
  const hasher = new Hasher();
  if (definition.kind === 'rows') {
    return definition.table(state).pageDigest(index, (row) => {
      hasher.reset();
      hashStruct(hasher, definition.fields, row);
      return hasher.finish();
    });
  }
  const hashRow = definition.rowHasher(state);
  return definition.table(state).pageDigest(index, (columns) => {
    let page = zeroDigest;
    for (const slot of columns.slotsOfPage(index)) {
      hasher.reset();
      hashRow(slot, hasher);
      page = addDigests(page, hasher.finish());
    }
    return page;
  });
}

/** The state as records: replayed into the empty image, each at its position, they give the same digest. */
export function* toRecords(
  image: MetadataImage,
): Generator<PositionedRecord<MetadataRecord>, void, undefined> {
  const { resources, recordsByName } = image.registry;
  for (const resource of resources) {
    for (const positioned of resource.toRecords(stateOf(image, resource))) {
      const registered = recordsByName.get(positioned.record.type);
      assert(registered?.resource === resource, `${resource.name} made a record that is not its own`);
      yield positioned as PositionedRecord<MetadataRecord>;
    }
  }
}

export type { Position, PositionedRecord } from './resource.ts';
