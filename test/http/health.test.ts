import { describe, expect, it } from 'vitest';
import { nodeId } from '../../src/base/brands.ts';
import type { NodeStatus } from '../../src/runtime/controller-api.ts';
import { fakeStatus } from './fake-controller.ts';
import { ask, serve } from './serve.ts';

const broken: readonly (readonly [string, string, Partial<NodeStatus>])[] = [
  ['nobody leads', 'leader', { leaderId: null, role: 'unattached', active: false }],
  ['it leads and does not serve', 'leader', { active: false }],
  ['no majority was heard for long', 'contact', { lastContactMs: 3_001 }],
  ['its disk hangs', 'writes', { oldestWriteMs: 10_001 }],
  ['nothing is committed', 'commit', { commitStuckMs: 10_001 }],
  ['nothing is applied', 'apply', { applyStuckMs: 10_001 }],
  ['the quorum was never started', 'cluster', { clusterId: null }],
  ['the node starts', 'process', { role: 'starting' }],
];

describe('/healthz/quorum', () => {
  it.each(broken)('sees that %s, as /readyz does, and /livez does not', async (_what, name, status) => {
    const { url, controller } = await serve();
    controller.currentStatus = fakeStatus(status);
    for (const path of ['/healthz/quorum', '/readyz']) {
      const answer = await ask(url + path);
      expect([path, answer.status, answer.headers.get('retry-after')]).toEqual([path, 503, '1']);
      expect(answer.body).toMatchObject({
        status: 'not ready',
        checks: expect.arrayContaining([expect.objectContaining({ name, ok: false })]),
      });
    }
    expect((await ask(`${url}/livez`)).status).toBe(200);
  });

  it('does not mind what concerns this node alone, which /readyz names', async () => {
    const { url, controller } = await serve();
    controller.currentStatus = fakeStatus({ lowOnSpace: true });
    expect((await ask(`${url}/healthz/quorum`)).status).toBe(200);
    const ready = await ask(`${url}/readyz`);
    expect(ready).toMatchObject({ status: 503, body: { checks: [{ name: 'disk', ok: false }] } });
  });

  it('is content with a quorum of one that hears nobody, and with work that is under way', async () => {
    const { url, controller } = await serve();
    const voters = fakeStatus().voters.slice(0, 1);
    controller.currentStatus = fakeStatus({
      nodeId: nodeId(0),
      voters,
      lastContactMs: null,
      oldestWriteMs: 20,
      commitStuckMs: 20,
      applyStuckMs: 20,
    });
    const answer = await ask(`${url}/healthz/quorum?verbose`);
    expect(answer.status).toBe(200);
    const { checks } = answer.body as { readonly checks: readonly { readonly name: string }[] };
    const names = ['process', 'cluster', 'leader', 'contact', 'writes', 'commit', 'apply'];
    expect(checks.map((check) => check.name)).toEqual(names);
  });
});
