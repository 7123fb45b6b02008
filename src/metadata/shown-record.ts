import type { MetadataRecord } from './registry.ts';

/** What stands in the place of bytes that nobody is shown. */
const hiddenBytes = new Uint8Array(0);

/**
 * A record as people may see it: whoever shows the log, or what has changed, shows this. Who may read may not
 * see by what others are let in, nor what others were answered. The hash of a request goes with the answer:
 * whoever can guess the request could find out by it that it was right.
 */
export function shownRecord(record: MetadataRecord): MetadataRecord {
  switch (record.type) {
    case 'TokenRecord':
      return { ...record, secretHash: hiddenBytes };
    case 'SessionAnswerRecord':
    case 'HeaderAnswerRecord':
      return { ...record, requestHash: hiddenBytes, answer: hiddenBytes };
    default:
      return record;
  }
}
