import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hashToken, makeToken } from '../../src/client/protocol/bearer-token.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import type { HttpLimits } from '../../src/http/index.ts';
import { ask } from './serve.ts';
import { serveImage } from './serve-image.ts';

/** A server that asks who it is, and the token of an administrator. */
async function serveLimited(limits: Partial<HttpLimits>) {
  const { url, controller } = await serveImage({ authentication: { certificateRoles: [] }, limits });
  const { token } = makeToken();
  const secretHash = hashToken(token);
  const whose = { name: 'busy', role: 'administrator', brokerId: -1 };
  const tokenId = tokenIdOf(secretHash);
  controller.append([{ type: 'TokenRecord', tokenId, ...whose, secretHash, createdMs: 1, expiresMs: -1 }]);
  return { url, headers: { authorization: `Bearer ${token}` } };
}

/** One request in an hour, after so many at once: what is refused in a test stays refused. */
const slow = (requestsBurst: number) => ({ requestsPerSecond: 1, requestsBurst });

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

describe('a principal that floods a node', () => {
  it('is told when to come again', async () => {
    const { url, headers } = await serveLimited(slow(2));
    const answers = [];
    for (let at = 0; at < 6; at++) answers.push(await ask(`${url}/v1/topics`, 'GET', undefined, headers));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { body, headers: told } of refused) {
      expect(body).toMatchObject({ code: 'THROTTLING_QUOTA_EXCEEDED', retryable: true });
      expect(Number(told.get('retry-after'))).toBeGreaterThan(0);
    }
    // Whoever is not known is refused for that, and takes nothing from anybody.
    expect((await ask(`${url}/v1/topics`)).status).toBe(401);
    expect((await ask(`${url}/livez`)).status).toBe(200);
  });

  it('is charged for each operation of a batch', async () => {
    const { url, headers } = await serveLimited(slow(5));
    const operations = Array.from({ length: 50 }, () => ({ operationId: 'listTopics' }));
    expect((await ask(`${url}/v1/batch`, 'POST', { operations }, headers)).status).toBe(200);
    const { status, body } = await ask(`${url}/v1/topics`, 'GET', undefined, headers);
    expect(status).toBe(429);
    expect((body as { readonly retryAfterMs: number }).retryAfterMs).toBeGreaterThan(10_000);
  });

  it('does not lose its lease over it', async () => {
    const { url, headers } = await serveLimited(slow(1));
    await ask(
      `${url}/v1/batch`,
      'POST',
      { operations: [{ operationId: 'x' }, { operationId: 'x' }] },
      headers,
    );
    expect((await ask(`${url}/v1/topics`, 'GET', undefined, headers)).status).toBe(429);
    const heartbeat = { brokerEpoch: 1, metadataOffset: 0 };
    expect((await ask(`${url}/v1/brokers/1/heartbeat`, 'POST', heartbeat, headers)).status).toBe(404);
  });
});

describe('an address', () => {
  it('has no more connections than it may, and another one when one is closed', async () => {
    const { url } = await serveLimited({ connectionsPerAddressMax: 2 });
    const first = await open(url);
    await open(url);
    const third = await open(url);
    await new Promise((resolve) => third.once('close', resolve));
    first.destroy();
    await expect.poll(async () => (await fetch(`${url}/livez`).catch(() => null))?.status ?? 0).toBe(200);
  });

  it('cannot keep a connection by sending its request byte by byte', async () => {
    const { url } = await serveLimited({ headersTimeoutMs: 200, receiveTimeoutMs: 200 });
    const socket = await open(url);
    socket.write('GET /v1/topics HTTP/1.1\r\n');
    const trickle = setInterval(() => socket.write('x: y\r\n'), 20);
    onTestFinished(() => clearInterval(trickle));
    let answer = '';
    socket.on('data', (data) => {
      answer += data.toString();
    });
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toContain('What arrived is not a complete HTTP request.');
  });
});
