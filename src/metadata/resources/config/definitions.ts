import { assert } from '../../../base/assert.ts';
import { compareStrings } from '../../../base/compare.ts';
import { brokerDefinitions, listenerDefinitions } from './broker-definitions.ts';
import { type ConfigDefinition, defineConfig } from './definition.ts';
import type { ResourceTypeName } from './records.ts';
import { topicDefinitions } from './topic-definitions.ts';

/**
 * Names below this are the users' own, of any resource: texts that mean nothing to Ottla and have no default.
 * Every other name must be known. Secrets do not belong there: nothing of it is hidden.
 */
export const userPrefix = 'user.';
const listenerPrefix = 'listener.name.';

/** `listener.name.`, a listener, and a config that listeners may have of their own. */
const listenerName = /^listener\.name\.[a-z0-9_-]+\.(.+)$/;
const userName = /^user\.[A-Za-z0-9._-]+$/;

/** Every config of known name, by name. */
export const definitionsOf: Readonly<Record<ResourceTypeName, readonly ConfigDefinition[]>> = Object.freeze({
  topic: sorted(topicDefinitions),
  broker: sorted(brokerDefinitions),
});

const byName: Readonly<Record<ResourceTypeName, ReadonlyMap<string, ConfigDefinition>>> = Object.freeze({
  topic: indexOf(definitionsOf.topic),
  broker: indexOf(definitionsOf.broker),
});

const listenersByName = indexOf(listenerDefinitions);

/** Null for a name that is not known, and not among those that are declared dynamic. */
export function findDefinition(resourceType: ResourceTypeName, name: string): ConfigDefinition | null {
  const known = byName[resourceType].get(name);
  if (known !== undefined) return known;
  if (userName.test(name)) return defineConfig(name, 'string', 'A config of the users’ own.');
  if (resourceType !== 'broker' || !name.startsWith(listenerPrefix)) return null;
  const inner = listenersByName.get(listenerName.exec(name)?.[1] ?? '');
  return inner === undefined ? null : { ...inner, name, defaultValue: null };
}

function sorted(definitions: readonly ConfigDefinition[]): readonly ConfigDefinition[] {
  return Object.freeze([...definitions].sort((left, right) => compareStrings(left.name, right.name)));
}

function indexOf(definitions: readonly ConfigDefinition[]): ReadonlyMap<string, ConfigDefinition> {
  const index = new Map(definitions.map((definition) => [definition.name, definition]));
  assert(index.size === definitions.length, 'two configs of a resource have the same name');
  return index;
}
