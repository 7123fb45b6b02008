import { describe, expect, it } from 'vitest';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { shownRecord } from '../../src/metadata/shown-record.ts';
import { TestCluster } from './cluster.ts';

const bytes = Uint8Array.from({ length: 32 }, (_, at) => at);
const none = new Uint8Array(0);

describe('a record as people may see it', () => {
  it('shows whose a token is, and not by what it is known', () => {
    const cluster = new TestCluster();
    const secretHash = '07'.repeat(32);
    cluster.ok('createToken', { body: { name: 'dashboards', role: 'reader', secretHash } });
    const made = cluster.log.map(({ record }) => record).find(({ type }) => type === 'TokenRecord');
    expect(made).toMatchObject({ secretHash: new Uint8Array(32).fill(7) });
    expect(made && shownRecord(made)).toEqual({ ...made, secretHash: none });
  });

  it('shows that somebody was answered, and not what', () => {
    const answered = { requestHash: bytes, status: '', answer: bytes };
    const records: readonly MetadataRecord[] = [
      { type: 'SessionAnswerRecord', sessionId: 1, sequence: 2, forgetBelow: 0, ...answered },
      { type: 'HeaderAnswerRecord', principal: 'User:alice', key: 'k', ...answered },
    ];
    for (const record of records) {
      expect(shownRecord(record)).toEqual({ ...record, requestHash: none, answer: none });
    }
  });

  it('shows all others as they are', () => {
    const session = {
      type: 'OpenSessionRecord',
      sessionId: 1,
      principal: 'User:alice',
      timeoutMs: 1,
    } as const;
    expect(shownRecord(session)).toBe(session);
  });
});
