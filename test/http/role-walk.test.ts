import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { describe, expect, it } from 'vitest';
import { nodeId, offset } from '../../src/base/brands.ts';
import { hashToken, makeToken } from '../../src/client/protocol/bearer-token.ts';
import { nodeOperations, probeOperations } from '../../src/client/protocol/node-operations.ts';
import { streamOperations } from '../../src/client/protocol/watch.ts';
import type { OperationDescription } from '../../src/client/protocol/description.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import { isAllowed, roles, type Role } from '../../src/metadata/roles.ts';
import type { NodeStatus } from '../../src/runtime/controller-api.ts';
import { apiOperations } from '../../src/runtime/quorum-operations/api-operations.ts';
import { ask, type Answered } from './serve.ts';
import { serveImage } from './serve-image.ts';

/** Everything that has a route, with the prefix of its path. */
const guarded: readonly OperationDescription[] = [
  ...apiOperations,
  ...Object.values(nodeOperations),
  ...Object.values(streamOperations),
];
const nowMs = 1_700_000_000_000;

type Holder = Role | 'expired' | 'revoked' | 'malformed' | 'password' | 'stranger' | 'lookalike' | 'nobody';

/** A server that asks who it is, with a token of each kind, and one request as whoever holds it. */
async function serveRoles() {
  const { url, controller } = await serveImage({
    authentication: { certificateRoles: [] },
    apiBrowser: true,
    wallMs: () => nowMs,
  });
  const tokens = new Map<Holder, string>([
    ['malformed', 'ottla_tooshort'],
    ['password', 'hunter2'],
    ['stranger', makeToken().token],
  ]);
  const add = (holder: Holder, role: Role, expiresMs: number): void => {
    const { token } = makeToken();
    tokens.set(holder, token);
    const secretHash = hashToken(token);
    const tokenId = tokenIdOf(secretHash);
    const whose = { name: holder, role, brokerId: role === 'broker' ? 1 : -1 };
    controller.append([{ type: 'TokenRecord', tokenId, ...whose, secretHash, createdMs: 1, expiresMs }]);
    if (holder === 'revoked') controller.append([{ type: 'RemoveTokenRecord', tokenId }]);
  };
  for (const role of roles) add(role, role, -1);
  const lookalike = makeToken().token;
  tokens.set('lookalike', lookalike);
  // Half of the hash, and with it the id, is that of another token.
  const almost = hashToken(lookalike);
  almost[31] = (almost[31] ?? 0) ^ 1;
  const other = { name: 'other', role: 'administrator', brokerId: -1, createdMs: 1, expiresMs: -1 };
  controller.append([{ type: 'TokenRecord', tokenId: tokenIdOf(almost), ...other, secretHash: almost }]);
  add('expired', 'administrator', nowMs);
  add('revoked', 'administrator', -1);
  const askAs = (holder: Holder, method: string, path: string, body?: unknown): Promise<Answered> => {
    const token = tokens.get(holder);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return ask(url + path, method, body, headers);
  };
  /** Whether it is refused to this holder because of its role; a stream is closed as soon as it has begun. */
  const isForbidden = async (holder: Holder, operation: OperationDescription): Promise<boolean> => {
    const abort = new AbortController();
    const answer = await fetch(url + pathOf(operation), {
      method: operation.method,
      headers: { authorization: `Bearer ${tokens.get(holder)}` },
      signal: abort.signal,
    });
    const code = answer.ok ? null : ((await answer.json()) as { readonly code: string }).code;
    abort.abort();
    return answer.status === 403 && code === 'CLUSTER_AUTHORIZATION_FAILED';
  };
  return { url, controller, tokens, askAs, isForbidden };
}

const pathOf = ({ path }: OperationDescription): string =>
  `/v1${path.replace(/\{(?:token|member)Id\}/, 'AAAAAAAAAAAAAAAAAAAAAA').replaceAll(/\{\w+\}/g, '1')}`;

const idsOf = (isMeant: (operation: OperationDescription) => boolean): readonly string[] =>
  guarded
    .filter(isMeant)
    .map(({ operationId }) => operationId)
    .sort();

/** The walk compares with what an operation declares; what it ought to declare is said here a second time. */
describe('what an operation declares', () => {
  it('leaves the operator everything but the rights, and what a node does in its own name', () => {
    const tokens = ['createToken', 'describeToken', 'listTokens', 'revokeToken'];
    const own = [
      'allocateProducerIds',
      'alterPartition',
      'assignReplicasToDirs',
      'heartbeatBroker',
      'registerBroker',
      'registerController',
    ];
    const without = idsOf(({ mayCall }) => !mayCall.includes('operator'));
    expect(without).toEqual([...tokens, ...own, 'updateFeature'].sort());
  });

  it('lets a reader read all but the log, the sessions and the tokens', () => {
    const hidden = ['describeSession', 'describeToken', 'listSessions', 'listTokens', 'readLog'];
    const without = idsOf(({ kind, mayCall }) => kind === 'read' && !mayCall.includes('reader'));
    expect(without).toEqual(hidden);
    const broker = idsOf(({ kind, mayCall }) => kind === 'read' && !mayCall.includes('broker'));
    expect(broker).toEqual([...hidden, 'listSnapshots'].sort());
  });

  it('lets a broker live, lead, and be the member of a group', () => {
    expect(idsOf(({ kind, mayCall }) => kind !== 'read' && mayCall.includes('broker'))).toEqual([
      'allocateProducerIds',
      'alterPartition',
      'assignReplicasToDirs',
      'closeSession',
      'heartbeatBroker',
      'heartbeatGroupMember',
      'joinGroup',
      'leaveGroup',
      'openSession',
      'registerBroker',
    ]);
  });
});

describe('every operation', () => {
  it('is refused to whoever does not say who it is, or shows what is not honoured', async () => {
    const { askAs, controller } = await serveRoles();
    const strangers = [
      'nobody',
      'expired',
      'revoked',
      'malformed',
      'password',
      'stranger',
      'lookalike',
    ] as const;
    for (const operation of guarded) {
      for (const stranger of strangers) {
        const answer = await askAs(stranger, operation.method, pathOf(operation));
        expect([operation.operationId, stranger, answer.status]).toEqual([
          operation.operationId,
          stranger,
          401,
        ]);
        expect(answer.body).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retryable: false });
        const fault = stranger === 'nobody' ? '' : ', error="invalid_token"';
        expect(answer.headers.get('www-authenticate')).toBe(`Bearer realm="ottla"${fault}`);
      }
    }
    expect(controller.requests).toEqual([]);
  });

  it('is refused, by name, to roles that it does not list, and to no other', async () => {
    const { isForbidden } = await serveRoles();
    for (const operation of guarded) {
      for (const role of roles) {
        expect([operation.operationId, role, await isForbidden(role, operation)]).toEqual([
          operation.operationId,
          role,
          !isAllowed(role, operation.mayCall),
        ]);
      }
    }
  });

  it('is refused in a batch as it is alone', async () => {
    const { askAs } = await serveRoles();
    for (const role of roles) {
      const operations = apiOperations.map(({ operationId }) => ({ operationId }));
      const { body } = await askAs(role, 'POST', '/v1/batch', { operations });
      const { results } = body as {
        readonly results: readonly { readonly problem?: { readonly code: string } }[];
      };
      const refused = results.map(({ problem }) => problem?.code === 'CLUSTER_AUTHORIZATION_FAILED');
      expect(refused).toEqual(apiOperations.map(({ mayCall }) => !isAllowed(role, mayCall)));
    }
  });

  it('that a broker calls in its own name says where that name stands', () => {
    const named = apiOperations.filter(
      ({ kind, mayCall, params, body }) =>
        kind !== 'read' &&
        mayCall.includes('broker') &&
        JSON.stringify([params, body]).includes('"brokerId"'),
    );
    expect(named.map(({ operationId }) => operationId)).toEqual([
      'registerBroker',
      'heartbeatBroker',
      'assignReplicasToDirs',
      'alterPartition',
      'allocateProducerIds',
    ]);
    for (const { speaksFor } of named) expect(speaksFor).toMatch(/^(?:params|body)\.brokerId$/);
  });
});

describe('a broker’s token', () => {
  const registration = (brokerId: number) => ({
    brokerId,
    clusterId: 'BBBBBBBBBBBBBBBBBBBBBA',
    incarnationId: 'CCCCCCCCCCCCCCCCCCCCCA',
    listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092 }],
    features: supportedFeatures,
    rack: null,
  });

  it('speaks for its own broker alone, by itself and in a batch', async () => {
    const { askAs } = await serveRoles();
    const own = await askAs('broker', 'POST', '/v1/brokers', registration(1));
    expect(own.status).toBe(201);
    const { brokerEpoch } = own.body as { readonly brokerEpoch: number };
    expect((await askAs('administrator', 'POST', '/v1/brokers', registration(2))).status).toBe(201);
    const heartbeat = { brokerEpoch, metadataOffset: 0 };
    expect((await askAs('broker', 'POST', '/v1/brokers/1/heartbeat', heartbeat)).status).toBe(200);
    const epochs = { leaderEpoch: 0, partitionEpoch: 0 };
    const partition = { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0, ...epochs, newIsr: [] };
    const alteration = { brokerId: 2, brokerEpoch, partitions: [partition] };
    const foreign = [
      await askAs('broker', 'POST', '/v1/brokers', registration(2)),
      await askAs('broker', 'POST', '/v1/brokers/2/heartbeat', heartbeat),
    ];
    for (const { status, body } of foreign) {
      expect(status).toBe(403);
      expect(body).toMatchObject({
        code: 'CLUSTER_AUTHORIZATION_FAILED',
        detail: expect.stringMatching(/speaks for broker 1, and \w+ was called for broker 2\.$/),
      });
    }
    const operations = [
      { operationId: 'heartbeatBroker', params: { brokerId: 2 }, body: heartbeat },
      { operationId: 'alterPartition', body: alteration },
      { operationId: 'heartbeatBroker', params: { brokerId: 1 }, body: heartbeat },
    ];
    const batch = await askAs('broker', 'POST', '/v1/batch', { operations });
    expect(batch.body).toMatchObject({ results: [{ status: 403 }, { status: 403 }, { status: 200 }] });
  });
});

describe('what is open to all', () => {
  it('is the probes and the description of the API, and nothing else of what there is', async () => {
    const { url, askAs } = await serveRoles();
    expect((await askAs('nobody', 'GET', '/openapi.json')).status).toBe(200);
    const browser = ['/docs', '/docs/json', '/docs/static/swagger-initializer.js'];
    for (const path of browser) expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    expect((await askAs('nobody', 'POST', '/v1/batch', { operations: [] })).status).toBe(401);
    for (const { method, path } of Object.values(probeOperations)) {
      expect([200, 503]).toContain((await askAs('nobody', method, path)).status);
    }
    expect((await askAs('nobody', 'GET', '/v1/no/such/path')).status).toBe(401);
    expect((await askAs('reader', 'GET', '/v1/no/such/path')).status).toBe(404);
  });
});

describe('/metrics', () => {
  it('is for whoever has said who it is, a reader too', async () => {
    const { url, tokens } = await serveRoles();
    for (const role of roles) {
      const headers = { authorization: `Bearer ${tokens.get(role)}` };
      expect([role, (await fetch(`${url}/metrics`, { headers })).status]).toEqual([role, 200]);
    }
  });
});

describe('a node that is not in touch with its quorum', () => {
  it('lets in whom it knows, and does not claim that a token it does not know is none', async () => {
    const { askAs, controller } = await serveRoles();
    controller.changes = { active: false, leaderId: null, role: 'prospective', lastContactMs: 10_000 };
    expect((await askAs('reader', 'GET', '/v1/topics?consistency=stale')).status).toBe(200);
    const unknown = await askAs('stranger', 'GET', '/v1/topics?consistency=stale');
    expect(unknown.status).toBe(503);
    expect(unknown.body).toMatchObject({ code: 'NOT_CONTROLLER', retryable: true });
  });

  it.each<[string, Partial<NodeStatus>]>([
    ['has not been told yet what is committed', { leaderHighWatermark: null }],
    ['has still to fetch what is committed', { leaderHighWatermark: offset(43) }],
  ])(
    'claims no more of a token while it %s, though it has applied all of its own log',
    async (_what, changes) => {
      const { askAs, controller } = await serveRoles();
      const follower = {
        active: false,
        leaderId: nodeId(1),
        role: 'follower',
        appliedOffset: offset(42),
      } as const;
      controller.changes = { ...follower, ...changes };
      expect((await askAs('stranger', 'GET', '/v1/topics?consistency=stale')).status).toBe(503);
      controller.changes = { ...follower, leaderHighWatermark: offset(42) };
      expect((await askAs('stranger', 'GET', '/v1/topics?consistency=stale')).status).toBe(401);
    },
  );
});

describe('an expired token', () => {
  it('is told so, since its holder has shown that it is its own', async () => {
    const { askAs } = await serveRoles();
    const { body } = await askAs('expired', 'GET', '/v1/topics');
    expect(body).toMatchObject({ detail: 'The token of expired expired at 2023-11-14T22:13:20.000Z.' });
  });
});
