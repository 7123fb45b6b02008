import type { MetadataRecord } from './registry.ts';
import { isSensitive } from './resources/config/definition.ts';
import { findDefinition } from './resources/config/definitions.ts';
import { resourceTypeName } from './resources/config/records.ts';

/** What stands in the place of a value that nobody is shown. */
export const hiddenValue = '(hidden)';

/** A record as people may see it: whoever shows the log, or what has changed, shows this. */
export function shownRecord(record: MetadataRecord): MetadataRecord {
  if (record.type !== 'ConfigRecord' || record.value === null) return record;
  const type = resourceTypeName(record.resourceType);
  const definition = type === null ? null : findDefinition(type, record.name);
  return definition !== null && isSensitive(definition) ? { ...record, value: hiddenValue } : record;
}
