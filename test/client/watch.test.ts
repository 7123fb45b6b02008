import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient, type Client, type WatchEvent } from '../../src/client/index.ts';
import { OttlaError } from '../../src/client/errors.ts';
import type { HttpServer } from '../../src/http/index.ts';
import { uuid } from '../../src/base/brands.ts';
import { hashToken, makeToken } from '../../src/client/protocol/bearer-token.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import { imageDigest } from '../../src/metadata/image.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { noOps } from '../runtime/support/operations.ts';
import { ImageController } from '../http/image-controller.ts';
import { serveImage } from '../http/serve-image.ts';

const session = (sessionId: number): MetadataRecord => ({
  type: 'OpenSessionRecord',
  sessionId,
  principal: 'tester',
  timeoutMs: 60_000,
});

const noId = uuid('AAAAAAAAAAAAAAAAAAAAAA');

function client(...endpoints: readonly string[]): Client {
  const made = createClient({ endpoints });
  onTestFinished(() => made.close());
  return made;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Two servers before one cluster: one that closes loses its streams, and the cluster goes on. */
async function twoNodes(): Promise<{
  readonly controller: ImageController;
  readonly servers: readonly HttpServer[];
  readonly urls: readonly string[];
}> {
  const controller = new ImageController();
  const served = [await serveImage({ controller }), await serveImage({ controller })];
  return { controller, servers: served.map(({ server }) => server), urls: served.map(({ url }) => url) };
}

describe('client.watch', () => {
  it('gives the state and then the deltas, until its reader leaves', async () => {
    const { controller, urls, servers } = await twoNodes();
    controller.append([session(10)]);
    const events: WatchEvent[] = [];
    for await (const event of client(...urls).watch()) {
      events.push(event);
      if (event.kind === 'stateEnd') controller.append([session(11)]);
      if (event.kind === 'delta') break;
    }
    expect(events.map(({ kind }) => kind)).toEqual(['stateBegin', 'state', 'stateEnd', 'delta']);
    await until(() => servers.every((server) => server.watchCount() === 0));
  });

  it('goes on at another node, each batch once and in order', async () => {
    const { controller, urls, servers } = await twoNodes();
    const begin = controller.image.endOffset;
    const bases: number[] = [];
    const reader = (async () => {
      for await (const event of client(...urls).watch({ since: begin })) {
        if (event.kind !== 'delta') continue;
        bases.push(event.baseOffset);
        if (bases.length === 40) return;
      }
    })();
    for (let at = 0; at < 20; at++) controller.append([session(at)]);
    await until(() => bases.length === 20);
    const [first, second] = servers;
    const holder = first?.watchCount() === 1 ? first : second;
    await holder?.close();
    for (let at = 20; at < 40; at++) controller.append([session(at)]);
    await reader;
    expect(bases).toEqual(Array.from({ length: 40 }, (_, at) => begin + at));
  });

  it('ends without an error when its signal aborts or its client closes', async () => {
    const { urls } = await twoNodes();
    const abort = new AbortController();
    const watching = client(...urls);
    const kinds: string[] = [];
    for await (const { kind } of watching.watch({ signal: abort.signal })) {
      kinds.push(kind);
      if (kind === 'stateEnd') abort.abort();
    }
    expect(kinds.at(-1)).toBe('stateEnd');
    for await (const { kind } of watching.watch()) if (kind === 'stateEnd') await watching.close();
    for await (const _ of watching.watch()) throw new Error('a client that is closed watches nothing');
  });

  it('tells whoever named a place that the log has lost it', async () => {
    const { controller, urls } = await twoNodes();
    for (let at = 0; at < 5; at++) controller.append([session(at)]);
    controller.log.cleanTo(controller.image.endOffset);
    const reading = async (): Promise<void> => {
      for await (const _ of client(...urls).watch({ since: 1 })) throw new Error('nothing comes');
    };
    await expect(reading()).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      details: { logStartOffset: controller.image.endOffset },
    });
    await expect(reading()).rejects.toBeInstanceOf(OttlaError);
  });

  it('goes on with the token that replaces its own, and is refused where none holds', async () => {
    const controller = new ImageController();
    const { url } = await serveImage({ controller, authentication: { certificateRoles: [] } });
    const made = [makeToken().token, makeToken().token];
    const ids = made.map((token) => tokenIdOf(hashToken(token)));
    for (const token of made) {
      const secretHash = hashToken(token);
      const whose = { name: 'copies', role: 'reader', brokerId: -1, createdMs: 1, expiresMs: -1 };
      controller.append([{ type: 'TokenRecord', tokenId: tokenIdOf(secretHash), ...whose, secretHash }]);
    }
    const shown: string[] = [];
    const next = () => {
      const token = made[Math.min(shown.length, 1)] ?? '';
      shown.push(token);
      return token;
    };
    const watching = createClient({ endpoints: [url], token: next });
    onTestFinished(() => watching.close());
    const revoked: string[] = [];
    const read = async (): Promise<void> => {
      for await (const event of watching.watch({ kinds: ['token'] })) {
        if (event.kind === 'stateEnd')
          controller.append([{ type: 'RemoveTokenRecord', tokenId: ids[0] ?? noId }]);
        if (event.kind !== 'delta') continue;
        revoked.push(...event.records.map(({ value }) => String(value['tokenId'])));
        controller.append([{ type: 'RemoveTokenRecord', tokenId: ids[1] ?? noId }]);
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED' });
    expect(revoked).toEqual([ids[0]]);
    expect(shown).toEqual([made[0], made[1], made[1]]);
  });

  it('watches only the kinds that are asked for', async () => {
    const { controller, urls } = await twoNodes();
    const types: string[] = [];
    for await (const event of client(...urls).watch({ kinds: ['session'] })) {
      if (event.kind === 'stateEnd') {
        controller.append(noOps(3));
        controller.append([{ type: 'NoOpRecord' }, session(11)]);
      }
      if (event.kind !== 'delta') continue;
      types.push(...event.records.map(({ type }) => type));
      break;
    }
    expect(types).toEqual(['OpenSessionRecord']);
  });
});

describe('client.localImage', () => {
  it('is the controllers’ own state, and shows what was written once its offset is reached', async () => {
    const { controller, urls } = await twoNodes();
    const watching = client(...urls);
    const copy = await watching.localImage();
    expect(imageDigest(copy.image)).toBe(imageDigest(controller.image));
    const seen: number[] = [];
    const unsubscribe = copy.subscribe((image) => seen.push(image.endOffset));
    const before = copy.image;
    const { offset } = await watching.call('openSession', {});
    expect((await copy.whenAt(offset)).endOffset).toBeGreaterThanOrEqual(offset);
    expect(imageDigest(copy.image)).toBe(imageDigest(controller.image));
    expect(seen.at(-1)).toBe(controller.image.endOffset);
    expect(before.endOffset).toBeLessThan(copy.offset);
    unsubscribe();
    copy.close();
    await copy.ended;
    await expect(copy.whenAt(copy.offset + 1)).rejects.toThrow('closed');
  });

  it('begins again with the state when the log has lost its place, and never stands still', async () => {
    const { controller, urls, servers } = await twoNodes();
    const copy = await client(...urls).localImage();
    const holder = servers.find((server) => server.watchCount() === 1);
    const closed = holder?.close();
    for (let at = 0; at < 5; at++) controller.append([session(at)]);
    controller.log.cleanTo(controller.image.endOffset);
    await closed;
    controller.append([session(99)]);
    await copy.whenAt(controller.image.endOffset);
    expect(imageDigest(copy.image)).toBe(imageDigest(controller.image));
  });

  it('ends where it does not understand the cluster', async () => {
    const { controller, urls } = await twoNodes();
    const original = controller.openWatch.bind(controller);
    controller.openWatch = (request, listener) =>
      original(request, {
        ...listener,
        begun: (begin) => listener.begun(begin),
        ended: (end) => listener.ended(end),
        events: (events) =>
          listener.events(
            events.map((event) =>
              event.kind === 'delta'
                ? { ...event, records: event.records.map((record) => ({ ...record, type: 'NewerRecord' })) }
                : event,
            ),
          ),
      });
    const copy = await client(...urls).localImage();
    controller.append([session(1)]);
    await expect(copy.ended).rejects.toThrow('NewerRecord');
  });
});
