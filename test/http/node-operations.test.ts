import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset } from '../../src/base/brands.ts';
import { nodeOperations } from '../../src/client/protocol/node-operations.ts';
import { fakeStatus } from './fake-controller.ts';
import { ask, serve } from './serve.ts';

describe('a node', () => {
  it('says which cluster it belongs to and how long a broker may be silent', async () => {
    const { url } = await serve();
    const { body } = await ask(`${url}/v1/cluster`);
    expect(Compile(nodeOperations.getCluster.response).Check(body)).toBe(true);
    expect(body).toMatchObject({
      clusterId: 'BBBBBBBBBBBBBBBBBBBBBA',
      leaderId: 0,
      brokerSessionTimeoutMs: 9_000,
    });
  });

  it('describes the quorum with its voters, and as leader with how far each replica is', async () => {
    const { url, controller } = await serve();
    const { directoryId } = controller.currentStatus;
    controller.currentStatus = fakeStatus({
      replicas: [
        {
          id: nodeId(1),
          directoryId,
          isVoter: true,
          logEndOffset: offset(40),
          lastFetchMs: 3.5,
          lastCaughtUpMs: null,
        },
        {
          id: nodeId(2),
          directoryId,
          isVoter: true,
          logEndOffset: offset(0),
          lastFetchMs: null,
          lastCaughtUpMs: null,
        },
      ],
    });
    const { body } = await ask(`${url}/v1/quorum`);
    const { body: voter } = await ask(`${url}/v1/quorum/voters/2`);
    expect(voter).toMatchObject({ logEndOffset: null, lag: null, lastFetchMs: null });
    expect(Compile(nodeOperations.describeQuorum.response).Check(body)).toBe(true);
    expect(body).toMatchObject({
      leaderId: 0,
      highWatermark: 42,
      node: { role: 'leader', logEndOffset: 43 },
      voters: [{ id: 0 }, { id: 1 }, { id: 2 }],
      // Of one that has not fetched in this epoch nobody knows where it stands.
      replicas: [
        { id: 1, logEndOffset: 40, lag: 3 },
        { id: 2, logEndOffset: null, lag: null },
      ],
      observers: [],
    });
  });

  it.each(['/v1/quorum', '/v1/cluster', '/v1/log', '/readyz', '/livez'])(
    'refuses at %s what would mean nothing there, instead of ignoring it',
    async (path) => {
      const { url } = await serve();
      for (const given of ['min_offset=1', 'consistency=stale', 'at_offset=1']) {
        const { status, body } = await ask(`${url}${path}?${given}`);
        expect([given, status]).toEqual([given, 400]);
        expect(body).toMatchObject({ code: 'INVALID_REQUEST' });
      }
    },
  );

  it('answers both while nobody leads', async () => {
    const { url, controller } = await serve();
    controller.currentStatus = fakeStatus({
      leaderId: null,
      clusterId: null,
      role: 'unattached',
      voters: [],
    });
    expect((await ask(`${url}/v1/cluster`)).body).toMatchObject({ clusterId: null, leaderId: null });
    expect((await ask(`${url}/v1/quorum`)).status).toBe(200);
  });

  it('shows its log', async () => {
    const { url, controller } = await serve();
    controller.logSlice = {
      logStartOffset: offset(10),
      endOffset: offset(42),
      nextOffset: offset(12),
      batches: [
        {
          baseOffset: offset(10),
          epoch: epoch(1),
          appendTimestampMs: 1,
          kind: 'data',
          sizeInBytes: 90,
          records: [{ offset: offset(10), type: 'TopicRecord', value: { name: 'orders' } }],
        },
      ],
    };
    const { body, status } = await ask(`${url}/v1/log?from=10&limit=2`);
    expect(status).toBe(200);
    expect(body).toEqual(controller.logSlice);
    const below = await ask(`${url}/v1/log?from=3`);
    expect(below).toMatchObject({
      status: 410,
      body: { code: 'OFFSET_OUT_OF_RANGE', details: { logStartOffset: 10 } },
    });
    expect((await ask(`${url}/v1/log?limit=1001`)).status).toBe(400);
  });

  it('says so when it does not show its log, or does not read it in time', async () => {
    const { url, controller } = await serve();
    controller.readLog = () => {};
    const slow = await ask(`${url}/v1/log?timeout_ms=20`);
    expect(slow).toMatchObject({ status: 504, body: { code: 'REQUEST_TIMED_OUT' } });
    Object.assign(controller, { readLog: undefined });
    expect((await ask(`${url}/v1/log`)).body).toMatchObject({ code: 'RESOURCE_NOT_FOUND' });
  });

  it('lists its voters and describes one, as leader with how far it is behind', async () => {
    const { url, controller } = await serve();
    const { directoryId } = controller.currentStatus;
    const seen = { directoryId, lastFetchMs: 1, lastCaughtUpMs: 2 };
    controller.currentStatus = fakeStatus({
      replicas: [
        { ...seen, id: nodeId(1), isVoter: true, logEndOffset: offset(41) },
        { ...seen, id: nodeId(7), isVoter: false, logEndOffset: offset(3) },
      ],
    });
    const { body } = await ask(`${url}/v1/quorum/voters`);
    expect(Compile(nodeOperations.listVoters.response).Check(body)).toBe(true);
    expect(body).toMatchObject({
      voters: [
        { controllerId: 0, isLeader: true, lag: null },
        { controllerId: 1, isLeader: false, logEndOffset: 41, lag: 2 },
        { controllerId: 2, lag: null },
      ],
    });
    const one = await ask(`${url}/v1/quorum/voters/1`);
    expect(one.body).toMatchObject({ controllerId: 1, lag: 2 });
    expect(await ask(`${url}/v1/quorum/voters/7`)).toMatchObject({
      status: 404,
      body: { code: 'VOTER_NOT_FOUND' },
    });
    expect((await ask(`${url}/v1/quorum`)).body).toMatchObject({ observers: [{ id: 7, lag: 40 }] });
  });

  it('lists its snapshots and takes one, or says why it does not', async () => {
    const { url, controller } = await serve();
    const view = { endOffset: offset(40), epoch: epoch(3), timestampMs: 5, pageCount: 2 };
    controller.snapshotViews.push(view);
    expect((await ask(`${url}/v1/snapshots`)).body).toEqual({ snapshots: [view], logStartOffset: 0 });
    controller.snapshotResult = { ok: true, value: view };
    expect(await ask(`${url}/v1/snapshots`, 'POST')).toMatchObject({ status: 201, body: view });
    controller.snapshotResult = { ok: false, error: { code: 'STORAGE_LOW', message: 'No room.' } };
    expect(await ask(`${url}/v1/snapshots`, 'POST')).toMatchObject({
      status: 507,
      body: { code: 'STORAGE_LOW' },
    });
    expect((await ask(`${url}/v1/snapshots?validate_only=true`, 'POST')).status).toBe(400);
    controller.snapshotResult = null;
    expect(await ask(`${url}/v1/snapshots?timeout_ms=1`, 'POST')).toMatchObject({
      status: 504,
      body: { code: 'REQUEST_TIMED_OUT' },
    });
  });
});
