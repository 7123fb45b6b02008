import { assert } from '../../src/base/assert.ts';
import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { ask, type Answered } from '../http/serve.ts';
import { startQuorum } from '../embedding/quorum.ts';
import { quotas } from '../metadata/quotas.ts';
import type { Policies } from '../../src/index.ts';
import { type Asked, forbidden, member, type Prepared, registration, token } from './error-cases.ts';

export type PreparedNode = Prepared & {
  readonly end: () => Promise<void>;
  readonly send: (asked: Asked, headers?: Readonly<Record<string, string>>) => Promise<Answered>;
};

/** A real controller that leads a quorum of one, with brokers, a topic, and a controller that is gone. */
export async function prepareNode(): Promise<PreparedNode> {
  const ends: (() => Promise<void>)[] = [];
  const settings = { brokerSessionTimeoutMs: 3_600_000 };
  const resources = [quotas];
  const policies: Policies = {
    createTopic: ({ topic }) => (topic === forbidden.topic ? 'It is forbidden.' : null),
    alterConfig: ({ configs }) => (forbidden.config in configs ? 'It is forbidden.' : null),
  };
  const [controller] = await startQuorum(1, { settings, resources, policies }, (end) => ends.unshift(end));
  assert(controller !== undefined, 'the node has started');
  const send: PreparedNode['send'] = ({ method, path, body }, headers = {}) =>
    ask(`${controller.httpUrl}/v1${path}`, method, body, headers);
  const ok = async (asked: Asked): Promise<Readonly<Record<string, unknown>>> => {
    const answer = await send(asked);
    assert(answer.status < 300, `${asked.path}: ${JSON.stringify(answer.body)}`);
    return { ...Object(answer.body) };
  };
  const end = async (): Promise<void> => {
    for (const each of ends) await each();
  };
  await waitForLeader(send);
  const clusterId = String((await ok({ method: 'GET', path: '/cluster' }))['clusterId']);
  const epochs: Record<number, number> = {};
  for (const id of [1, 2, 3, 4]) {
    const body = registration(id, clusterId);
    epochs[id] = Number((await ok({ method: 'POST', path: '/brokers', body }))['brokerEpoch']);
  }
  for (const id of [1, 2, 3]) {
    const body = { brokerEpoch: epochs[id], metadataOffset: 1_000 };
    await ok({ method: 'POST', path: `/brokers/${id}/heartbeat`, body });
  }
  const listeners = [{ name: 'CONTROLLER', host: 'c', port: 1 }];
  const features = [
    ...supportedFeatures,
    { name: 'kind.quota', minSupportedVersion: 1, maxSupportedVersion: 1 },
  ];
  const gone = { controllerId: 8, incarnationId: 'HAAAAAAAAAAAAAAAAAAAAQ', listeners, features };
  await ok({ method: 'POST', path: '/controllers', body: gone });
  const assignments = [
    [1, 2],
    [2, 1],
  ];
  const created = await ok({ method: 'POST', path: '/topics', body: { name: 'orders', assignments } });
  const value = { bytesPerSecond: 5 };
  await ok({ method: 'PUT', path: '/resources/quota/alice', body: { value } });
  await ok({ method: 'POST', path: '/producer-ids', body: { brokerId: 1, brokerEpoch: epochs[1] } });
  const { tokenId } = await ok({ method: 'POST', path: '/tokens', body: token() });
  const memberId = String(member.memberId);
  const { memberEpoch } = await ok({ method: 'POST', path: '/groups/jobs/members', body: member });
  return {
    clusterId,
    epochs,
    memberId,
    memberEpoch: Number(memberEpoch),
    tokenId: String(tokenId),
    topicId: String(created['topicId']),
    send,
    end,
  };
}

async function waitForLeader(send: PreparedNode['send']): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if ((await send({ method: 'GET', path: '/features' })).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nobody leads');
}
