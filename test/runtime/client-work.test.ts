import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { OperationContext } from '../../src/metadata/operation.ts';
import { operationsById, type RegisteredOperation } from '../../src/metadata/operations.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import type { ControllerRequest } from '../../src/runtime/controller-api.ts';
import { answerRead, clientWork } from '../../src/runtime/leader/client-work.ts';
import type { Execution } from '../../src/runtime/leader/operation-queue.ts';
import { offset } from '../../src/base/brands.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { RecordedReply } from './support/operations.ts';
import { requestOf } from './support/requests.ts';

function clusterWithSession(): { readonly cluster: TestCluster; readonly sessionId: number } {
  const cluster = new TestCluster();
  cluster.start(1);
  const { sessionId } = cluster.ok('openSession', { body: {} });
  return { cluster, sessionId };
}

function run(cluster: TestCluster, request: ControllerRequest, given?: RegisteredOperation): Execution {
  const operation = given ?? operationsById.get(request.operationId);
  if (operation === undefined) throw new Error('no such operation');
  const context: OperationContext = {
    ...cluster.context,
    random: seededRandom(3),
    principal: request.principal,
  };
  return clientWork(operation, request, new RecordedReply()).run(cluster.image, context);
}

/** Runs and appends, and gives what the caller is told. */
function take(cluster: TestCluster, request: ControllerRequest, given?: RegisteredOperation): string | null {
  const execution = run(cluster, request, given);
  cluster.append(execution.records);
  const reply = new RecordedReply();
  execution.answer(reply, offset(cluster.image.endOffset));
  return reply.told;
}

const types = (records: readonly MetadataRecord[]): readonly string[] => records.map(({ type }) => type);

describe('a token that was honoured where the request came in', () => {
  const made = {
    body: { name: 'operations', role: 'operator', secretHash: '01'.repeat(32), lifetimeMs: 5_000 },
  };

  it('is looked at again in the order of the log, before the key is', () => {
    const { cluster, sessionId } = clusterWithSession();
    const { tokenId } = cluster.ok('createToken', made);
    const idempotencyKey = { sessionId, sequence: 0, forgetBelow: 0 };
    const request = requestOf('createTopic', { body: { name: 'a' }, tokenId, idempotencyKey });
    expect(take(cluster, request)).toMatch(/^ok/);
    cluster.ok('revokeToken', { params: { tokenId } });
    const { endOffset } = cluster.image;
    expect(take(cluster, request)).toMatch(/^SASL_AUTHENTICATION_FAILED/);
    expect(cluster.image.endOffset).toBe(endOffset);
  });

  it('ends at its expiry by the clock of the log', () => {
    const { cluster } = clusterWithSession();
    const { tokenId } = cluster.ok('createToken', made);
    const request = (name: string) => requestOf('createTopic', { body: { name }, tokenId });
    cluster.timestampMs += 4_999;
    expect(take(cluster, request('a'))).toMatch(/^ok/);
    cluster.timestampMs += 1;
    expect(take(cluster, request('b'))).toMatch(/^SASL_AUTHENTICATION_FAILED/);
  });

  it('is looked at before a read is answered, too', () => {
    const { cluster } = clusterWithSession();
    const { tokenId } = cluster.ok('createToken', made);
    const operation = operationsById.get('listTopics');
    if (operation === undefined) throw new Error('no such operation');
    const read = (): string | null => {
      const reply = new RecordedReply();
      answerRead(
        operation,
        requestOf('listTopics', { tokenId }),
        reply,
        { image: cluster.image, present: cluster.image },
        cluster.context,
      );
      return reply.told;
    };
    expect(read()).toMatch(/^ok/);
    cluster.ok('revokeToken', { params: { tokenId } });
    expect(read()).toMatch(/^SASL_AUTHENTICATION_FAILED/);
  });
});

describe('a client’s request on the leader', () => {
  it('writes the answer into the operation’s own batch, behind its records', () => {
    const { cluster, sessionId } = clusterWithSession();
    const idempotencyKey = { sessionId, sequence: 0, forgetBelow: 0 };
    const { records } = run(cluster, requestOf('createTopic', { body: { name: 'a' }, idempotencyKey }));
    expect(types(records)).toEqual(['TopicRecord', 'PartitionRecord', 'SessionAnswerRecord']);
  });

  it('closes a session under a key of that session, and finds it gone the second time', () => {
    const { cluster, sessionId } = clusterWithSession();
    const idempotencyKey = { sessionId, sequence: 0, forgetBelow: 0 };
    const request = requestOf('closeSession', { params: { sessionId }, idempotencyKey });
    expect(take(cluster, request)).toBe(`ok {"sessionId":${sessionId}}`);
    expect(cluster.image.session.sessions.size).toBe(0);
    expect(run(cluster, request).records).toEqual([]);
    expect(take(cluster, request)).toBe('SESSION_EXPIRED');
  });

  it('remembers under a key of one session that it has closed another', () => {
    const { cluster, sessionId } = clusterWithSession();
    const other = cluster.ok('openSession', { body: {} }).sessionId;
    const idempotencyKey = { sessionId, sequence: 0, forgetBelow: 0 };
    const request = requestOf('closeSession', { params: { sessionId: other }, idempotencyKey });
    const { records } = run(cluster, request);
    expect(types(records)).toEqual(['CloseSessionRecord', 'SessionAnswerRecord']);
    expect(take(cluster, request)).toBe(take(cluster, request));
  });

  it('gives the recorded answer again and executes nothing', () => {
    const { cluster, sessionId } = clusterWithSession();
    const idempotencyKey = { sessionId, sequence: 0, forgetBelow: 0 };
    const request = requestOf('createTopic', { body: { name: 'a' }, idempotencyKey });
    const first = take(cluster, request);
    const again = run(cluster, request);
    expect(again.records).toEqual([]);
    expect(again.mayStandAlready).toBe(true);
    expect(take(cluster, request)).toBe(first);
  });

  it('takes the same fields in another order for the same request', () => {
    const { cluster, sessionId } = clusterWithSession();
    const idempotencyKey = { sessionId, sequence: 0, forgetBelow: 0 };
    const first = take(
      cluster,
      requestOf('createTopic', { body: { name: 'a', partitions: 1 }, idempotencyKey }),
    );
    const body = { partitions: 1, name: 'a' };
    expect(take(cluster, requestOf('createTopic', { body, idempotencyKey }))).toBe(first);
    const other = { partitions: 2, name: 'a' };
    expect(take(cluster, requestOf('createTopic', { body: other, idempotencyKey }))).toBe(
      'IDEMPOTENCY_KEY_REUSED',
    );
  });

  it('records a refusal, and an answer without any change', () => {
    const { cluster, sessionId } = clusterWithSession();
    const refused = { sessionId, sequence: 0, forgetBelow: 0 };
    const deletion = requestOf('deleteTopic', { params: { topic: 'a' }, idempotencyKey: refused });
    expect(types(run(cluster, deletion).records)).toEqual(['SessionAnswerRecord']);
    expect(take(cluster, deletion)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    cluster.ok('createTopic', { body: { name: 'a' } });
    expect(take(cluster, deletion)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const idle = { sessionId, sequence: 1, forgetBelow: 0 };
    const already = {
      params: { feature: 'metadata.version' },
      body: { featureLevel: 1 },
      idempotencyKey: idle,
    };
    expect(types(run(cluster, requestOf('updateFeature', already)).records)).toEqual(['SessionAnswerRecord']);
  });

  it('remembers a refusal for the size of the answer, so that no duplicate executes later', () => {
    const { cluster, sessionId } = clusterWithSession();
    const idempotencyKey = { sessionId, sequence: 0, forgetBelow: 0 };
    const operation = operationsById.get('createTopic');
    if (operation === undefined) throw new Error('no such operation');
    let size = 5_000;
    const verbose: RegisteredOperation = {
      ...operation,
      handle: () => ({
        ok: true,
        value: { records: [{ type: 'NoOpRecord' }], response: { text: 'x'.repeat(size) } },
      }),
    };
    const request = requestOf('createTopic', { body: { name: 'a' }, idempotencyKey });
    expect(types(run(cluster, request, verbose).records)).toEqual(['SessionAnswerRecord']);
    expect(take(cluster, request, verbose)).toBe('INVALID_REQUEST');
    size = 5;
    expect(take(cluster, request, verbose)).toBe('INVALID_REQUEST');
  });

  it('never executes under a session that is gone, forgotten or another’s', () => {
    const { cluster, sessionId } = clusterWithSession();
    const key = { sessionId, sequence: 3, forgetBelow: 3 };
    const body = { name: 'a' };
    take(cluster, requestOf('createTopic', { body, idempotencyKey: key }));
    const answers = [
      { body, idempotencyKey: { ...key, sessionId: sessionId + 1_000 } },
      { body, idempotencyKey: { ...key, sequence: 2 } },
      { body, idempotencyKey: { ...key, sequence: 4 }, principal: 'somebody else' },
    ].map((changes) => {
      const execution = run(cluster, requestOf('createTopic', changes));
      expect(execution.records).toEqual([]);
      return take(cluster, requestOf('createTopic', changes));
    });
    expect(answers).toEqual(['SESSION_EXPIRED', 'SEQUENCE_FORGOTTEN', 'SESSION_EXPIRED']);
  });

  it('remembers a bare key for its own principal', () => {
    const { cluster } = clusterWithSession();
    const request = requestOf('createTopic', { body: { name: 'a' }, bareIdempotencyKey: 'k' });
    const first = take(cluster, request);
    expect(first).toMatch('ok');
    expect(take(cluster, request)).toBe(first);
    expect(take(cluster, { ...request, principal: 'somebody else' })).toBe('TOPIC_ALREADY_EXISTS');
  });

  it('changes nothing when the resource is not the one that the caller has seen', () => {
    const { cluster } = clusterWithSession();
    cluster.ok('createTopic', { body: { name: 'a' } });
    const { lastModified } = cluster.ok('describeTopic', { params: { topic: 'a' } });
    const deletion = { params: { topic: 'a' } };
    const stale = requestOf('deleteTopic', { ...deletion, ifMatch: offset(lastModified - 1) });
    expect(run(cluster, stale).records).toEqual([]);
    expect(take(cluster, stale)).toBe('PRECONDITION_FAILED');
    expect(take(cluster, requestOf('deleteTopic', { ...deletion, ifMatch: offset(lastModified) }))).toMatch(
      'ok',
    );
  });
});
