import type { MetadataRecord } from './registry.ts';
import { isSensitive } from './resources/config/definition.ts';
import { findDefinition } from './resources/config/definitions.ts';
import { type ConfigRecord, resourceTypeName } from './resources/config/records.ts';

/** What stands in the place of a value that nobody is shown. */
export const hiddenValue = '(hidden)';
/** What stands in the place of bytes that nobody is shown. */
const hiddenBytes = new Uint8Array(0);

/**
 * A record as people may see it: whoever shows the log, or what has changed, shows this. Who may read may not
 * see by what others are let in, nor what others were answered, nor passwords. The hash of a request goes with
 * the answer: whoever can guess the request could find out by it that it was right.
 */
export function shownRecord(record: MetadataRecord): MetadataRecord {
  switch (record.type) {
    case 'TokenRecord':
      return { ...record, secretHash: hiddenBytes };
    case 'SessionAnswerRecord':
    case 'HeaderAnswerRecord':
      return { ...record, requestHash: hiddenBytes, answer: hiddenBytes };
    case 'ConfigRecord':
      return shownConfig(record);
    default:
      return record;
  }
}

function shownConfig(record: ConfigRecord): MetadataRecord {
  const type = resourceTypeName(record.resourceType);
  const definition = type === null ? null : findDefinition(type, record.name);
  const isHidden = record.value !== null && definition !== null && isSensitive(definition);
  return isHidden ? { ...record, value: hiddenValue } : record;
}
