import { describe, expect, it, onTestFinished } from 'vitest';
import { NoAnswerError, type ClientTls } from '../../src/client/index.ts';
import { createOperationsClient } from '../../src/client/operations-client.ts';
import { createAuthority, issue } from '../transport/support/certificates.ts';
import { testOperations } from './fake-controller.ts';
import { serve, type Served } from './serve.ts';

const authority = createAuthority('the authority');
const stranger = createAuthority('a stranger');
const server = issue(authority, { hosts: ['127.0.0.1'] });
const operator = issue(authority, { hosts: ['operator'] });

async function serveTls(clientAuthority: string | null): Promise<Served> {
  const served = await serve({ tls: { ...server, clientAuthority } });
  served.controller.answer = () => ({ response: { name: 'x', partitions: 1 } });
  return served;
}

function clientOf(url: string, tls: ClientTls) {
  const binding = {
    operations: testOperations,
    probes: new Set<string>(),
    openSession: null,
    sessionWindow: 1,
  };
  const client = createOperationsClient(binding, { endpoints: [url], tls, timeoutMs: 2_000 });
  onTestFinished(() => client.close());
  return client;
}

async function describeTopic(url: string, tls: ClientTls): Promise<unknown> {
  return await clientOf(url, tls).describeTopic({ topic: 'x' }, { attemptsMax: 1 });
}

describe('HTTP over TLS', () => {
  it('serves clients that trust its authority, as nobody in particular', async () => {
    const { url, controller } = await serveTls(null);
    expect(url).toMatch(/^https:/);
    expect(await describeTopic(url, { authority: authority.certificate })).toEqual({
      name: 'x',
      partitions: 1,
    });
    expect(controller.requests[0]?.principal).toBe('User:ANONYMOUS');
  });

  it('is refused by clients that trust another authority', async () => {
    const { url, controller } = await serveTls(null);
    const distrustful = { authority: stranger.certificate };
    await expect(describeTopic(url, distrustful)).rejects.toThrow('nobody to answer');
    // Nothing was sent, so that a write is no unknown outcome either.
    const write = clientOf(url, distrustful).deleteTopic({ topic: 'x' }, { attemptsMax: 1 });
    await expect(write).rejects.toThrow(NoAnswerError);
    expect(controller.requests).toEqual([]);
  });

  it('lets in, by name, those who show a certificate where one is demanded, and nobody else', async () => {
    const { url, controller } = await serveTls(authority.certificate);
    const own = { authority: authority.certificate };
    await describeTopic(url, { ...own, ...operator });
    expect(controller.requests[0]?.principal).toBe('User:CN=operator');
    await expect(describeTopic(url, own)).rejects.toThrow('nobody to answer');
    const foreign = issue(stranger, { hosts: ['operator'] });
    await expect(describeTopic(url, { ...own, ...foreign })).rejects.toThrow('nobody to answer');
    expect(controller.requests).toHaveLength(1);
  });
});
