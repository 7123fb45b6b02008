import { describe, expect, it, onTestFinished } from 'vitest';
import { hashToken, makeToken } from '../../src/client/protocol/bearer-token.ts';
import { nodeId, offset, uuid } from '../../src/base/brands.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import type { WatchListener } from '../../src/runtime/watch/watch-api.ts';
import { ImageController } from './image-controller.ts';
import { serveImage } from './serve-image.ts';

const startMs = 1_700_000_000_000;
const session = (sessionId: number): MetadataRecord => ({
  type: 'OpenSessionRecord',
  sessionId,
  principal: 'tester',
  timeoutMs: 60_000,
});

/** A stream that a reader's token has opened, as text that grows. */
async function watchAsReader({ expiresMs = -1, controller = new ImageController() } = {}) {
  const clock = { nowMs: startMs };
  const { url } = await serveImage({
    controller,
    authentication: { certificateRoles: [] },
    wallMs: () => clock.nowMs,
  });
  const { token } = makeToken();
  const secretHash = hashToken(token);
  const tokenId = tokenIdOf(secretHash);
  const whose = { name: 'dashboards', role: 'reader', brokerId: -1 };
  controller.append([{ type: 'TokenRecord', tokenId, ...whose, secretHash, createdMs: startMs, expiresMs }]);
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/v1/watch`, { headers, signal: abort.signal });
  expect(answer.status).toBe(200);
  const read = { text: '', isOver: false };
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const body = answer.body ?? new ReadableStream<Uint8Array>();
  void (async () => {
    for await (const piece of body.pipeThrough(new TextDecoderStream())) read.text += piece;
    read.isOver = true;
  })().catch(() => undefined);
  return { controller, clock, read, until, tokenId, secretHash };
}

describe('a watch', () => {
  it('shows that there is a token, and not the hash of its secret', async () => {
    const { controller, read, until, secretHash } = await watchAsReader();
    await until(() => read.text.includes('event: stateEnd'));
    const other = hashToken(makeToken().token);
    const whose = { name: 'other', role: 'reader', brokerId: -1, createdMs: 1, expiresMs: -1 };
    controller.append([{ type: 'TokenRecord', tokenId: tokenIdOf(other), ...whose, secretHash: other }]);
    await until(() => read.text.includes('event: delta'));
    expect(read.text.match(/"secretHash":""/g)).toHaveLength(2);
    for (const hash of [secretHash, other]) expect(read.text).not.toContain(hash.toString('hex'));
  });

  it('ends where its token is revoked, and is sent nothing from there on', async () => {
    const { controller, read, until, tokenId } = await watchAsReader();
    controller.append([session(20)]);
    await until(() => read.text.includes('"sessionId":20'));
    controller.append([{ type: 'RemoveTokenRecord', tokenId }]);
    controller.append([session(21)]);
    await until(() => read.isOver);
    expect(read.text).toContain('"code":"SASL_AUTHENTICATION_FAILED","message":"The token was revoked."');
    expect(read.text).not.toMatch(/RemoveTokenRecord|"sessionId":21/);
  });

  it('ends where its token has expired', async () => {
    const { controller, clock, read, until } = await watchAsReader({ expiresMs: startMs + 1_000 });
    controller.append([session(20)]);
    await until(() => read.text.includes('"sessionId":20'));
    clock.nowMs += 1_000;
    controller.append([session(21)]);
    await until(() => read.isOver);
    expect(read.text).toContain('"message":"The token has expired."');
    expect(read.text).not.toContain('"sessionId":21');
  });

  it('on which nothing happens ends with the heartbeat that finds its token revoked', async () => {
    const controller = new ImageController();
    let listener: WatchListener | null = null;
    controller.openWatch = (_request, given) => {
      listener = given;
      const begin = { nodeId: nodeId(0), clusterId: uuid('BBBBBBBBBBBBBBBBBBBBBA') };
      setImmediate(() => given.begun({ ...begin, offset: offset(1), logStartOffset: offset(0) }));
      return { more: () => undefined, close: () => undefined };
    };
    const { read, until, tokenId } = await watchAsReader({ controller });
    const tell = (): void => listener?.events([{ kind: 'heartbeat' }]);
    tell();
    await until(() => read.text.includes(': heartbeat'));
    controller.append([{ type: 'RemoveTokenRecord', tokenId }]);
    tell();
    await until(() => read.isOver);
    expect(read.text).toContain('event: end');
    expect(read.text.match(/: heartbeat/g)).toHaveLength(1);
  });
});
