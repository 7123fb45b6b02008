import type { MetadataImage } from '../../image.ts';
import type { ConfigDefinition } from './definition.ts';
import { isSensitive } from './definition.ts';
import { definitionsOf, findDefinition } from './definitions.ts';
import { resourceTypes, type ResourceTypeName } from './records.ts';
import { type ConfigEntry, configKey, type ConfigRow } from './resource.ts';

/** A topic, one broker, or (`name` empty) the default of all brokers. */
export type ConfigResource = { readonly type: ResourceTypeName; readonly name: string };

/** Where a value comes from; the README has Kafka's names of these. */
export type ConfigSource = 'topic' | 'broker' | 'clusterDefault' | 'default';

export type EffectiveConfig = {
  readonly name: string;
  readonly type: ConfigDefinition['type'];
  /** Null where nothing is in force, and for what is sensitive. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly isSensitive: boolean;
};

export function configRowOf(image: MetadataImage, { type, name }: ConfigResource): ConfigRow | null {
  return image.config.resources.get(configKey(resourceTypes[type], name));
}

/**
 * Every config of a resource with the value in force, by name. What a topic does not say, the default of all
 * brokers says for it, and else Kafka's: one broker's own configs are that broker's alone.
 */
export function effectiveConfigs(image: MetadataImage, resource: ConfigResource): readonly EffectiveConfig[] {
  const own = new Map(entriesOf(configRowOf(image, resource)));
  const cluster =
    resource.name === '' ? own : new Map(entriesOf(configRowOf(image, { type: 'broker', name: '' })));
  const names = new Set(definitionsOf[resource.type].map(({ name }) => name));
  for (const name of own.keys()) names.add(name);
  if (resource.type === 'broker') for (const name of cluster.keys()) names.add(name);
  return [...names].sort().flatMap((name) => {
    const definition = findDefinition(resource.type, name);
    return definition === null ? [] : [effective(resource, definition, own, cluster)];
  });
}

type Values = ReadonlyMap<string, string>;

function effective(
  resource: ConfigResource,
  definition: ConfigDefinition,
  own: Values,
  cluster: Values,
): EffectiveConfig {
  const { name, type } = definition;
  const found = valueInForce(resource, definition, own, cluster);
  const hides = isSensitive(definition);
  return { name, type, value: hides ? null : found.value, source: found.source, isSensitive: hides };
}

/** `own` are the values of the resource itself, `cluster` those of the default of all brokers. */
export function valueInForce(
  { type, name: resourceName }: ConfigResource,
  { name, brokerName, defaultValue }: ConfigDefinition,
  own: Values,
  cluster: Values,
): { readonly value: string | null; readonly source: ConfigSource } {
  const set = own.get(name);
  if (set !== undefined) return { value: set, source: resourceName === '' ? 'clusterDefault' : type };
  const standIn = type === 'broker' ? name : brokerName;
  const inherited = standIn === null ? undefined : cluster.get(standIn);
  return inherited === undefined
    ? { value: defaultValue, source: 'default' }
    : { value: inherited, source: 'clusterDefault' };
}

export function entriesOf(row: { readonly configs: readonly ConfigEntry[] } | null): [string, string][] {
  return (row?.configs ?? []).map(({ name, value }) => [name, value]);
}
