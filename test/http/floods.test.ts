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

/** Overdraws by a batch: what follows is refused for minutes, however slow the machine is. */
async function flood(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const operations = Array.from({ length: 500 }, () => ({ operationId: 'unheardOf' }));
  expect((await ask(`${url}/v1/batch`, 'POST', { operations }, headers)).status).toBe(200);
}

const slow = { requestsPerSecond: 1, requestsBurst: 5 };

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

describe('a principal that floods a node', () => {
  it('is charged for each operation of a batch, and told when to come again', async () => {
    const { url, headers } = await serveLimited(slow);
    await flood(url, headers);
    const { status, body, headers: told } = await ask(`${url}/v1/topics`, 'GET', undefined, headers);
    expect(status).toBe(429);
    expect(body).toMatchObject({ code: 'THROTTLING_QUOTA_EXCEEDED', retryable: true });
    expect(Number(told.get('retry-after'))).toBeGreaterThan(1);
    // Whoever is not known is refused for that, and takes nothing from anybody.
    expect((await ask(`${url}/v1/topics`)).status).toBe(401);
    expect((await ask(`${url}/livez`)).status).toBe(200);
  });

  it('does not lose its lease over it', async () => {
    const { url, headers } = await serveLimited(slow);
    await flood(url, headers);
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
