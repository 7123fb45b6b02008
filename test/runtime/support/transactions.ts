import type { MetadataRecord } from '../../../src/metadata/registry.ts';

export const begin: MetadataRecord = { type: 'BeginTransactionRecord', name: 'test' };
export const end: MetadataRecord = { type: 'EndTransactionRecord' };
export const abort: MetadataRecord = { type: 'AbortTransactionRecord', reason: 'test' };
