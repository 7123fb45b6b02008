import { failed, ok, type Result } from '../../../base/result.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationError } from '../../operation.ts';
import type { ConfigDefinition } from './definition.ts';
import { findDefinition, userPrefix } from './definitions.ts';
import { configRowOf, type ConfigResource, entriesOf, valueInForce } from './effective.ts';
import { type ConfigRecord, configValueLengthMax, resourceTypes } from './records.ts';
import { findValueFault, membersOfList } from './values.ts';

export type ConfigChange = {
  readonly name: string;
  readonly operation: 'set' | 'delete' | 'append' | 'subtract';
  readonly value?: string;
};

/**
 * The records that make these changes, all of them or none (Kafka's IncrementalAlterConfigs). What is as asked
 * for already has no record.
 */
export function alterConfigs(
  image: MetadataImage,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
): Result<readonly ConfigRecord[], OperationError> {
  if (new Set(changes.map(({ name }) => name)).size < changes.length) {
    return failed({ code: 'INVALID_REQUEST', message: 'A config is named twice.' });
  }
  const values = new Map(entriesOf(configRowOf(image, resource)));
  const records: ConfigRecord[] = [];
  for (const change of changes) {
    const altered = newValue(resource, change, values);
    if (!altered.ok) return failed(fault(`${change.name} ${altered.error}.`));
    const { value } = altered;
    if (value === (values.get(change.name) ?? null)) continue;
    if (value === null) values.delete(change.name);
    else values.set(change.name, value);
    records.push({
      type: 'ConfigRecord',
      resourceType: resourceTypes[resource.type],
      resourceName: resource.name,
      name: change.name,
      value,
    });
  }
  const excess = findExcess(values) ?? findContradiction(image, resource, values);
  return excess === null ? ok(records) : failed(fault(excess));
}

/** What is set of a topic goes with it: one of the same name later begins with nothing. */
export function removeConfigs(image: MetadataImage, resource: ConfigResource): readonly ConfigRecord[] {
  return entriesOf(configRowOf(image, resource)).map(([name]) => ({
    type: 'ConfigRecord',
    resourceType: resourceTypes[resource.type],
    resourceName: resource.name,
    name,
    value: null,
  }));
}

function fault(message: string): OperationError {
  return { code: 'INVALID_CONFIG', message };
}

/** The failure is to be put behind the config's name. */
function newValue(
  resource: ConfigResource,
  { name, operation, value }: ConfigChange,
  values: ReadonlyMap<string, string>,
): Result<string | null, string> {
  const definition = findDefinition(resource.type, name);
  // What is no longer known can still be taken away.
  if (operation === 'delete') {
    if (value !== undefined) return failed('is deleted, so that it has no value');
    return definition !== null || values.has(name) ? ok(null) : failed(unknownName(resource));
  }
  if (definition === null) return failed(unknownName(resource));
  if (value === undefined) return failed(`needs a value to ${operation}`);
  const given = value.trim();
  const made = operation === 'set' ? ok(given) : newList(operation, definition, given, values.get(name));
  if (!made.ok) return made;
  if (made.value.length > configValueLengthMax)
    return failed(`has more than ${configValueLengthMax} characters`);
  const complaint = findValueFault(definition, made.value);
  return complaint === null ? made : failed(complaint);
}

function unknownName({ type }: ConfigResource): string {
  return `is no config of a ${type}; a config of your own is named ${userPrefix}…`;
}

/** Of a list that is not set, the default is what is added to or taken from, as Kafka does. */
function newList(
  operation: 'append' | 'subtract',
  { type, defaultValue }: ConfigDefinition,
  given: string,
  current: string | undefined,
): Result<string, string> {
  if (type !== 'list') return failed(`is no list, so that nothing can be ${operation}ed`);
  const before = membersOfList(current ?? defaultValue ?? '');
  const named = membersOfList(given);
  const after =
    operation === 'append'
      ? [...before, ...named.filter((member) => !before.includes(member))]
      : before.filter((member) => !named.includes(member));
  return ok(after.join(','));
}

function findExcess(values: ReadonlyMap<string, string>): string | null {
  if (values.size > limits.configsPerResourceMax) {
    return `A resource has at most ${limits.configsPerResourceMax} configs of its own (configsPerResourceMax).`;
  }
  let length = 0;
  for (const [name, value] of values) length += name.length + value.length;
  return length <= limits.configLengthPerResourceMax
    ? null
    : `The configs of a resource have at most ${limits.configLengthPerResourceMax} characters together (configLengthPerResourceMax).`;
}

/** Two values that are legal each by itself, and not together (Kafka: LogConfig.validateValues). */
function findContradiction(
  image: MetadataImage,
  resource: ConfigResource,
  values: ReadonlyMap<string, string>,
): string | null {
  const names =
    resource.type === 'topic'
      ? (['min.compaction.lag.ms', 'max.compaction.lag.ms'] as const)
      : (['log.cleaner.min.compaction.lag.ms', 'log.cleaner.max.compaction.lag.ms'] as const);
  const cluster =
    resource.name === '' ? values : new Map(entriesOf(configRowOf(image, { type: 'broker', name: '' })));
  const [lowest, highest] = names.map((name) => {
    const definition = findDefinition(resource.type, name);
    return BigInt(
      (definition === null ? null : valueInForce(resource, definition, values, cluster).value) ?? 0,
    );
  });
  return (lowest ?? 0n) <= (highest ?? 0n) ? null : `${names[0]} is above ${names[1]}.`;
}
