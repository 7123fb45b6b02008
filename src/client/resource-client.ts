import type { Resource } from '../metadata/resources/custom/rows.ts';
import { featureOfKind, type ResourceKind } from '../metadata/resources/custom/kind.ts';
import type { WatchRecord } from '../runtime/watch/watch-api.ts';
import type { Client } from './create-client.ts';
import { OttlaError, UnexpectedAnswerError } from './errors.ts';
import type { CallOptions } from './typed.ts';
import type { WatchEvent, WatchOptions } from './watch/watch.ts';

/** The resources of one kind, by a client that was given its definition. */
export type ResourceClient<Value> = {
  /** Writes a value in this version of the kind, and says where it stands: the next `ifMatch`. */
  put(key: string, value: Value, options?: CallOptions): Promise<{ readonly lastModified: number }>;
  /** Null when nothing stands under the key. */
  get(key: string, options?: CallOptions): Promise<Resource<Value> | null>;
  /** Every resource, by key, as of one offset; it is asked for page by page. */
  list(options?: CallOptions): AsyncIterable<Resource<Value>>;
  /** False when nothing stood under the key. */
  delete(key: string, options?: CallOptions): Promise<boolean>;
  /** The state and then every change, or with `since` the changes alone, for as long as it is read. */
  watch(options?: Omit<WatchOptions, 'kinds'>): AsyncIterable<ResourceEvent<Value>>;
};

export type ResourceEvent<Value> =
  /** What was known before is void: the state follows, as `put`, and ends with `ready`. */
  | { readonly type: 'begin' }
  | ({ readonly type: 'put' } & Resource<Value>)
  | { readonly type: 'delete'; readonly key: string; readonly lastModified: number }
  | { readonly type: 'ready'; readonly offset: number }
  /** Everything below `offset` was told: a place to resume from, as `since`. */
  | { readonly type: 'bookmark'; readonly offset: number };

type Written = Omit<Resource, 'value'> & { readonly value: unknown };

/** Values that this version of the kind cannot read are an UnexpectedAnswerError that names the key. */
export function createResourceClient<Value>(
  client: Client,
  kind: ResourceKind<Value>,
): ResourceClient<Value> {
  const { name, version } = kind;
  const read = (operationId: string, written: Written): Resource<Value> => {
    const { key, version: writtenIn, lastModified } = written;
    const value = kind.read(written.value, writtenIn);
    if (!value.ok) throw new UnexpectedAnswerError(operationId, `the ${name} ${key} ${value.error}`);
    return { key, value: value.value, version: writtenIn, lastModified };
  };
  return {
    put: async (key, value, options) =>
      await client.putResource({ kind: name, key, value, version }, options),
    get: (key, options) =>
      unlessMissing(null, async () =>
        read('describeResource', await client.describeResource({ kind: name, key }, options)),
      ),
    async *list(options) {
      let next: string | null = null;
      do {
        const page: Awaited<ReturnType<Client['listResources']>> = await client.listResources(
          next === null ? { kind: name } : { kind: name, continue: next },
          options,
        );
        for (const written of page.resources) yield read('listResources', written);
        next = page.continue;
      } while (next !== null);
    },
    delete: (key, options) =>
      unlessMissing(false, async () => {
        await client.deleteResource({ kind: name, key }, options);
        return true;
      }),
    async *watch(options = {}) {
      const events = client.watch({ ...options, kinds: [featureOfKind(name)] });
      for await (const event of events) yield* eventsOf(event, (record) => read('watch', record));
    },
  };
}

function* eventsOf<Value>(
  event: WatchEvent,
  read: (written: Written) => Resource<Value>,
): Generator<ResourceEvent<Value>, void, undefined> {
  switch (event.kind) {
    case 'stateBegin':
      yield { type: 'begin' };
      return;
    case 'stateEnd':
      yield { type: 'ready', offset: event.offset };
      return;
    case 'bookmark':
      yield { type: 'bookmark', offset: event.offset };
      return;
    case 'state':
    case 'delta':
      for (const record of event.records) yield changeOf(record, read);
      // Where to resume once these were taken in.
      if (event.kind === 'delta') yield { type: 'bookmark', offset: event.endOffset };
      return;
    default:
      event satisfies never;
  }
}

function changeOf<Value>(
  { offset: lastModified, value: fields }: WatchRecord,
  read: (written: Written) => Resource<Value>,
): ResourceEvent<Value> {
  const { key, version, value } = fields;
  if (typeof key !== 'string' || typeof version !== 'number') {
    throw new UnexpectedAnswerError('watch', 'the record of a kind without a key or a version');
  }
  if (typeof value !== 'string') return { type: 'delete', key, lastModified };
  return { type: 'put', ...read({ key, version, value: JSON.parse(value), lastModified }) };
}

async function unlessMissing<Answer>(missing: Answer, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof OttlaError && error.code === 'UNKNOWN_RESOURCE_KEY') return missing;
    throw error;
  }
}
