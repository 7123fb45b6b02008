import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { assert } from '../../../base/assert.ts';
import { failed, ok, type Result } from '../../../base/result.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';

/** What `validate` may look at beside the value that is to be written. */
export type ResourceView<Value> = {
  readonly key: string;
  /** What stands under the key now; null when nothing does, or nothing that this version of the kind can read. */
  readonly before: Value | null;
  /** Another resource of the same kind, by the same rule. */
  readonly get: (key: string) => Value | null;
  /** The whole state: brokers, topics and the like. */
  readonly image: MetadataImage;
};

/** A kind of metadata of the user's own: values of one schema under keys of another. */
export type ResourceDefinition<Value> = {
  /** Small letters, digits and hyphens. The feature `kind.<name>` says whether the cluster has the kind. */
  readonly name: string;
  /** From 10,000 to 10,127, pinned for good: records and checkpoints know the kind by it. */
  readonly id: number;
  /** Of the schema of values; at first 1. It reads what every earlier version wrote. */
  readonly version: number;
  /** Of texts of at most 249 characters; any of them when absent. */
  readonly key?: TSchema;
  readonly value: TSchema;
  /**
   * Why the value must not be written, as a sentence, or undefined. It is pure: it goes by its arguments alone, and
   * reads no clock, no chance and nothing outside. The leader alone calls it, before anything is appended.
   */
  validate?(value: Value, view: ResourceView<Value>): string | undefined;
  /** The value of an earlier version in this one's form, by the same rule; where it is absent values need no change. */
  upgrade?(value: unknown, version: number): unknown;
};

/** A kind that was defined; whoever reads and writes its resources is given it. */
export type ResourceKind<Value = unknown> = ResourceDefinition<Value> & {
  /** Why a text is no key of the kind, or null. */
  faultOfKey(key: string): string | null;
  /** A value that was written in some version, in the form of this one; a failure says why it cannot be read. */
  read(value: unknown, version: number): Result<Value, string>;
};

export const customIdMin = 10_000;
export const customIdMax = 10_127;
/** Table ids of users' kinds: the highest half of what the key of a page has room for. */
const customTableIdMin = 128;

/** The name of its feature, its record and its state: none of this software's own has a dot and a word before it. */
export function featureOfKind(name: string): `kind.${string}` {
  return `kind.${name}`;
}

export function kindOfFeature(feature: `kind.${string}`): string {
  return feature.slice('kind.'.length);
}

export function isFeatureOfKind(feature: string): feature is `kind.${string}` {
  return feature.startsWith('kind.');
}

export function tableIdOf({ id }: Pick<ResourceKind, 'id'>): number {
  return id - customIdMin + customTableIdMin;
}

export function customIdOf(tableId: number): number {
  return tableId - customTableIdMin + customIdMin;
}

export function isCustomTableId(tableId: number): boolean {
  return tableId >= customTableIdMin;
}

/**
 * Defines a kind of metadata. Every controller of a cluster is given the same definition; a broken rule is a mistake
 * of the program, and thrown.
 */
export function defineResource<const Schema extends TSchema>(
  definition: ResourceDefinition<Static<Schema>> & { readonly value: Schema },
): ResourceKind<Static<Schema>> {
  const { name, id, version } = definition;
  assert(/^[a-z][a-z0-9-]{0,63}$/.test(name), `a kind cannot be called ${name}`);
  assert(Number.isInteger(id) && id >= customIdMin && id <= customIdMax, `${name} has an id out of range`);
  assert(Number.isInteger(version) && version >= 1 && version <= 32_767, `${name} has no legal version`);
  const faultOfKey = faultFinder(definition.key ?? {});
  const faultOfValue = faultFinder(definition.value);
  return Object.freeze({
    ...definition,
    faultOfKey: (key: string) => {
      if (key.length === 0 || key.length > limits.resourceKeyLengthMax) {
        return `has ${key.length} characters, and may have 1 to ${limits.resourceKeyLengthMax}`;
      }
      return faultOfKey(key);
    },
    read: (given: unknown, writtenIn: number) => {
      if (writtenIn > version) {
        return failed(`is of version ${writtenIn} of the kind, and ${version} is the newest known here`);
      }
      const value = writtenIn < version ? (definition.upgrade?.(given, writtenIn) ?? given) : given;
      const fault = faultOfValue(value);
      // The border to the schema: the check has established its form.
      return fault === null ? ok(value as Static<Schema>) : failed(fault);
    },
  });
}

function faultFinder(schema: TSchema): (value: unknown) => string | null {
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return null;
    const [violation] = validator.Errors(value);
    const place = violation?.instancePath.slice(1).replaceAll('/', '.') ?? '';
    const message = violation?.message ?? 'does not fit';
    return place === '' ? message : `${place} ${message}`;
  };
}
