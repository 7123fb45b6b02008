import { describe, expect, it } from 'vitest';
import { field, numberField } from '../../bench/processes/http.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { codeOf, createTopic, topicsOn } from './api.ts';
import { startCluster } from './harness.ts';

/** One request of each kind, all of which need a leader. */
const needsLeader = [
  ['GET', '/v1/topics', undefined],
  ['GET', '/v1/brokers/1', undefined],
  ['POST', '/v1/topics', { name: 'refused', replicationFactor: 1 }],
  ['DELETE', '/v1/topics/orders', undefined],
  ['POST', '/v1/sessions', {}],
  ['POST', '/v1/brokers/1/heartbeat', { brokerEpoch: 1, metadataOffset: 0 }],
] as const;

const waitMs = 1_500;

describe('a node without a leader', () => {
  it('answers each request in its time with 503 and when to come again, and changes nothing', async () => {
    const { quorum, leadership, brokers } = await startCluster({ brokerCount: 1 });
    const { offset } = await createTopic(leadership.leader, 'orders');
    await brokers.close();
    const [left, ...others] = quorum.controllers;
    if (left === undefined) throw new Error('there is no controller');
    await Promise.all(others.map((controller) => controller.killHard()));
    await waitFor(
      'the last node follows nobody any more',
      async () => {
        const view = await left.view();
        const isAlone = view !== null && view.role !== 'follower' && view.role !== 'leader';
        return isAlone ? true : new NotYet(`it is ${view?.role ?? 'silent'}`);
      },
      { describe: () => quorum.dump() },
    );
    for (const [method, path, body] of needsLeader) {
      const options = { timeoutMs: 10 * waitMs, ...(body === undefined ? {} : { body }) };
      // The bound stands in the request; an answer that does not come makes `ask` fail.
      const answer = await left.ask(method, `${path}?timeout_ms=${waitMs}`, options);
      expect(`${method} ${path} ${answer.status} ${codeOf(answer)}`).toBe(
        `${method} ${path} 503 NOT_CONTROLLER`,
      );
      expect(numberField(answer.body, 'retryAfterMs')).toBeGreaterThan(0);
      expect(field(answer.body, 'retryable')).toBe(true);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    // Liveness never depends on the quorum; readiness says what is in the way.
    expect((await left.ask('GET', '/livez')).status).toBe(200);
    await waitFor(
      'the node says that it is not ready',
      async () => {
        const answer = await left.ask('GET', '/readyz');
        return answer.status === 503 ? true : new NotYet(answer.text);
      },
      { describe: () => quorum.dump() },
    );
    expect((await topicsOn(left, 0)).map(({ key }) => key)).toEqual(['orders']);

    for (const controller of others) await controller.start();
    const { leader } = await quorum.waitForLeader();
    expect((await topicsOn(leader, offset)).map(({ key }) => key)).toEqual(['orders']);
  });
});
