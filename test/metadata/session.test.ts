import { describe, expect, it } from 'vitest';
import { emptyImage } from '../../src/metadata/image.ts';
import { limits } from '../../src/metadata/limits.ts';
import {
  type AnswerKey,
  answerRecord,
  fitsAnswer,
  lookupAnswer,
} from '../../src/metadata/resources/session/answers.ts';
import { expireSessions, hasExpired } from '../../src/metadata/resources/session/expiry.ts';
import type { ErrorCode } from '../../src/metadata/errors.ts';
import { TestCluster } from './cluster.ts';

const hash = Uint8Array.of(1, 2, 3, 4);
const otherHash = Uint8Array.of(1, 2, 3, 5);
const response = Uint8Array.of(42);

/** What the runtime does with a request under a key; null answers mean "executed now". */
class Client {
  readonly cluster = new TestCluster();
  executed = 0;

  send(key: AnswerKey, requestHash = hash, status: ErrorCode | null = null): string {
    const { cluster } = this;
    const found = lookupAnswer(cluster.image, key, requestHash, cluster.principal);
    if (found.kind === 'refused') return found.error.code;
    if (found.kind === 'recorded') return `recorded ${found.status ?? 'success'} ${found.answer.join()}`;
    this.executed++;
    cluster.append([answerRecord(key, cluster.principal, requestHash, status, response)]);
    return 'executed';
  }

  open(timeoutMs?: number): number {
    return this.cluster.ok('openSession', { body: timeoutMs === undefined ? {} : { timeoutMs } }).sessionId;
  }
}

function keyOf(sessionId: number, sequence: number, forgetBelow = 0): AnswerKey {
  return { sessionId, sequence, forgetBelow };
}

describe('a session', () => {
  it('has the offset of its record as its id', () => {
    const client = new Client();
    const end = client.cluster.image.endOffset;
    expect(client.open()).toBe(end);
    expect(client.cluster.image.session.sessions.get(end)).toMatchObject({ principal: 'tester' });
  });

  it('executes a request once and answers its duplicates with what was recorded', () => {
    const client = new Client();
    const id = client.open();
    expect(client.send(keyOf(id, 0))).toBe('executed');
    expect(client.send(keyOf(id, 0))).toBe('recorded success 42');
    expect(client.send(keyOf(id, 1))).toBe('executed');
    expect(client.executed).toBe(2);
  });

  it('records refusals too, so that a delayed duplicate does not execute later', () => {
    const client = new Client();
    const id = client.open();
    client.send(keyOf(id, 0), hash, 'TOPIC_ALREADY_EXISTS');
    expect(client.send(keyOf(id, 0))).toBe('recorded TOPIC_ALREADY_EXISTS 42');
    expect(client.executed).toBe(1);
  });

  it('refuses another request under the same key', () => {
    const client = new Client();
    const id = client.open();
    client.send(keyOf(id, 0));
    expect(client.send(keyOf(id, 0), otherHash)).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it('forgets what the client allows, and refuses what is forgotten', () => {
    const client = new Client();
    const id = client.open();
    for (let sequence = 0; sequence < 5; sequence++) client.send(keyOf(id, sequence));
    client.send(keyOf(id, 5, 4));
    expect(client.cluster.image.session.answers.size).toBe(2);
    expect(client.send(keyOf(id, 3))).toBe('SEQUENCE_FORGOTTEN');
    expect(client.send(keyOf(id, 4))).toBe('recorded success 42');
    expect(client.send(keyOf(id, 2, 3))).toBe('SEQUENCE_FORGOTTEN');
    expect(client.executed).toBe(6);
  });

  it('refuses a sequence beyond its window instead of forgetting an earlier one', () => {
    const client = new Client();
    const id = client.open();
    expect(client.send(keyOf(id, limits.sessionWindow))).toBe('SESSION_TABLE_FULL');
    expect(client.send(keyOf(id, limits.sessionWindow, 1))).toBe('executed');
  });

  it('answers SESSION_EXPIRED for an unknown session, a closed one and somebody else’s', () => {
    const client = new Client();
    const id = client.open();
    expect(client.send(keyOf(id + 1, 0))).toBe('SESSION_EXPIRED');
    client.cluster.principal = 'another';
    expect(client.send(keyOf(id, 0))).toBe('SESSION_EXPIRED');
    expect(client.cluster.code('closeSession', { params: { sessionId: id } })).toBe('UNKNOWN_SESSION_ID');
    client.cluster.principal = 'tester';
    client.send(keyOf(id, 0));
    client.cluster.ok('closeSession', { params: { sessionId: id } });
    expect(client.send(keyOf(id, 0))).toBe('SESSION_EXPIRED');
    expect(client.cluster.image.session.answers.size).toBe(0);
    expect(client.executed).toBe(1);
  });

  it('expires by record after it was idle for its timeout, counted from its last answer', () => {
    const client = new Client();
    const { cluster } = client;
    const id = client.open(10_000);
    cluster.timestampMs += 9_999;
    client.send(keyOf(id, 0));
    cluster.timestampMs += 9_999;
    expect(hasExpired(cluster.image, cluster.timestampMs)).toBe(false);
    cluster.goOn(expireSessions);
    expect(client.send(keyOf(id, 0))).toBe('recorded success 42');
    cluster.timestampMs += 1;
    expect(hasExpired(cluster.image, cluster.timestampMs)).toBe(true);
    // Time alone changes nothing; only the record does.
    expect(client.send(keyOf(id, 0))).toBe('recorded success 42');
    cluster.goOn(expireSessions);
    expect(cluster.log.at(-1)?.record).toEqual({ type: 'CloseSessionRecord', sessionId: id });
    expect(client.send(keyOf(id, 0))).toBe('SESSION_EXPIRED');
  });

  it('is refused when there are as many as can be', () => {
    const cluster = new TestCluster();
    const records = Array.from({ length: limits.sessionsMax }, (_, sessionId) => ({
      type: 'OpenSessionRecord' as const,
      sessionId: sessionId + 1_000_000,
      principal: 'p',
      timeoutMs: 10_000,
    }));
    cluster.append(records);
    expect(cluster.code('openSession', {})).toBe('SESSION_TABLE_FULL');
    cluster.timestampMs += 10_000;
    cluster.isPaused = true;
    cluster.goOn(expireSessions);
    let batches = 0;
    for (let before = cluster.image.endOffset; cluster.step(); before = cluster.image.endOffset) {
      batches++;
      expect(cluster.image.endOffset - before).toBeLessThanOrEqual(limits.expiryRowsMax);
    }
    expect(batches).toBeGreaterThanOrEqual(10);
    expect(cluster.image.session.sessions.size).toBe(0);
    cluster.ok('openSession', {});
  });
});

describe('a bare Idempotency-Key header', () => {
  const key: AnswerKey = { headerKey: 'order-17' };

  it('executes once for each principal and key', () => {
    const client = new Client();
    expect(client.send(key)).toBe('executed');
    expect(client.send(key)).toBe('recorded success 42');
    expect(client.send(key, otherHash)).toBe('IDEMPOTENCY_KEY_REUSED');
    client.cluster.principal = 'another';
    expect(client.send(key)).toBe('executed');
  });

  it('is remembered for the published window, and then forgotten by record', () => {
    const client = new Client();
    const { cluster } = client;
    const { headerRetentionMs } = cluster.ok('describeIdempotency', {});
    client.send(key);
    cluster.timestampMs += headerRetentionMs - 1;
    cluster.goOn(expireSessions);
    expect(client.send(key)).toBe('recorded success 42');
    cluster.timestampMs += 1;
    expect(client.send(key)).toBe('recorded success 42');
    cluster.goOn(expireSessions);
    expect(cluster.ok('describeIdempotency', {}).headerAnswers).toBe(0);
    expect(client.send(key)).toBe('executed');
  });

  it('is refused when it is empty or too long', () => {
    const client = new Client();
    expect(client.send({ headerKey: '' })).toBe('INVALID_REQUEST');
    expect(client.send({ headerKey: 'k'.repeat(limits.headerKeyLengthMax + 1) })).toBe('INVALID_REQUEST');
    client.cluster.principal = 'p'.repeat(limits.principalLengthMax + 1);
    expect(client.send(key)).toBe('INVALID_REQUEST');
  });
});

describe('an answer', () => {
  it('has a largest size, which is asked before anything is written', () => {
    expect(fitsAnswer(new Uint8Array(limits.answerBytesMax))).toBe(true);
    expect(fitsAnswer(new Uint8Array(limits.answerBytesMax + 1))).toBe(false);
    const tooLarge = new Uint8Array(limits.answerBytesMax + 1);
    expect(() => answerRecord({ headerKey: 'a' }, 'p', hash, null, tooLarge)).toThrow(/too large/);
  });

  it('is never given from an image that does not hold the session', () => {
    expect(lookupAnswer(emptyImage, keyOf(0, 0), hash, 'tester').kind).toBe('refused');
  });

  it('is listed with its session', () => {
    const client = new Client();
    const first = client.open();
    client.open();
    client.send(keyOf(first, 3, 2));
    const page = client.cluster.ok('listSessions', { query: { limit: 1 } });
    expect(page.sessions).toMatchObject([{ sessionId: first, forgetBelow: 2 }]);
    const rest = client.cluster.ok('listSessions', { query: { continue: page.continue ?? '' } });
    expect(rest.sessions).toHaveLength(1);
    expect(client.cluster.code('listSessions', { query: { continue: 'x' } })).toBe('INVALID_REQUEST');
  });
});

describe('one session', () => {
  it('is described by its id, and is not found under another', () => {
    const cluster = new TestCluster();
    const { sessionId } = cluster.ok('openSession', {});
    const found = cluster.ok('describeSession', { params: { sessionId } });
    expect([found]).toEqual(cluster.ok('listSessions', {}).sessions);
    expect(cluster.code('describeSession', { params: { sessionId: sessionId + 1 } })).toBe(
      'UNKNOWN_SESSION_ID',
    );
  });
});
