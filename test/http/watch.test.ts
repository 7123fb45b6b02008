import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { binaryWatchContentType, type WatchMessage } from '../../src/client/protocol/watch.ts';
import { FrameReader } from '../../src/client/watch/frame-reader.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { noOps } from '../runtime/support/operations.ts';
import { ImageController } from './image-controller.ts';
import { serve, ask } from './serve.ts';
import { serveImage } from './serve-image.ts';

const session = (sessionId: number): MetadataRecord => ({
  type: 'OpenSessionRecord',
  sessionId,
  principal: 'tester',
  timeoutMs: 60_000,
});

type Received = { readonly event: string; readonly id: string | null; readonly data: unknown };

/** A reader of server-sent events, as far as one needs it to be. */
class EventReader {
  readonly received: Received[] = [];
  comments = 0;
  status = 0;
  headers = new Headers();
  isOver = false;
  readonly #abort = new AbortController();

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    onTestFinished(() => this.#abort.abort());
    void this.#read(url, headers).catch(() => undefined);
  }

  get kinds(): readonly string[] {
    return this.received.map(({ event }) => event);
  }

  get lastId(): string {
    return this.received.findLast(({ id }) => id !== null)?.id ?? '';
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
    const answer = await fetch(url, { headers, signal: this.#abort.signal });
    this.status = answer.status;
    this.headers = answer.headers;
    const { body } = answer;
    if (body === null) return;
    let text = '';
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
    this.isOver = true;
  }

  #take(block: string): void {
    if (block.startsWith(':')) {
      this.comments++;
      return;
    }
    const field = (name: string): string | null =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2) ?? null;
    const data: unknown = JSON.parse(field('data') ?? 'null');
    this.received.push({ event: field('event') ?? '', id: field('id'), data });
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function node(options: Parameters<typeof serveImage>[0] = {}) {
  const controller = new ImageController();
  const served = await serveImage({ controller, ...options });
  return { ...served, controller };
}

describe('a watch over HTTP', () => {
  it('sends the state, then each batch as an event whose id is where to go on', async () => {
    const { url, controller } = await node();
    controller.append([session(10)]);
    const reader = new EventReader(`${url}/v1/watch`);
    await until(() => reader.kinds.includes('stateEnd'));
    expect(reader.status).toBe(200);
    expect(reader.headers.get('content-type')).toBe('text/event-stream');
    expect(reader.headers.get('ottla-epoch')).toBe('3');
    expect(reader.kinds).toEqual(['begin', 'stateBegin', 'state', 'stateEnd']);
    const stateEnd = controller.image.endOffset;
    expect(reader.received.map(({ id }) => id)).toEqual([null, null, null, String(stateEnd)]);
    controller.append([session(20), session(21)]);
    await until(() => reader.kinds.length === 5);
    expect(reader.received[4]).toMatchObject({
      event: 'delta',
      id: String(stateEnd + 2),
      data: {
        kind: 'delta',
        baseOffset: stateEnd,
        endOffset: stateEnd + 2,
        epoch: 3,
        records: [{ offset: stateEnd, type: 'OpenSessionRecord', value: { sessionId: 20 } }, {}],
      },
    });
  });

  it('goes on behind the last event’s id, which counts more than the address', async () => {
    const { url, controller } = await node();
    const begin = controller.image.endOffset;
    controller.append([session(10)]);
    controller.append([session(11)]);
    const reader = new EventReader(`${url}/v1/watch?since=${begin}`, { 'last-event-id': String(begin + 1) });
    await until(() => reader.kinds.includes('delta'));
    expect(reader.kinds).toEqual(['begin', 'delta']);
    expect(reader.received[1]?.data).toMatchObject({ baseOffset: begin + 1 });
  });

  it('sends the kinds that were asked for', async () => {
    const { url, controller } = await node();
    const reader = new EventReader(`${url}/v1/watch?kinds=session,broker`);
    await until(() => reader.kinds.includes('stateEnd'));
    controller.append(noOps(2));
    controller.append([{ type: 'NoOpRecord' }, session(10)]);
    await until(() => reader.kinds.includes('delta'));
    expect(reader.received.at(-1)?.data).toMatchObject({ records: [{ type: 'OpenSessionRecord' }] });
  });

  it('sends the same as binary frames to whoever accepts those', async () => {
    const { url, controller } = await node();
    controller.append([session(10)]);
    const asText = new EventReader(`${url}/v1/watch?since=0`);
    const answer = await fetch(`${url}/v1/watch?since=0`, { headers: { accept: binaryWatchContentType } });
    expect(answer.headers.get('content-type')).toBe(binaryWatchContentType);
    const frames = new FrameReader();
    const messages: WatchMessage[] = [];
    const { body } = answer;
    if (body === null) throw new Error('the answer has a body');
    for await (const piece of body) {
      const read = frames.push(piece);
      if (!read.ok) throw new Error(read.error);
      messages.push(...read.value);
      if (messages.length >= 3) break;
    }
    await until(() => asText.received.length >= 3);
    expect(messages).toEqual(asText.received.map(({ data }) => data));
  });

  it('refuses what it cannot begin, as a problem', async () => {
    const { url, controller } = await node();
    for (let at = 0; at < 5; at++) controller.append([session(at)]);
    const logStartOffset = controller.image.endOffset;
    controller.log.cleanTo(logStartOffset);
    const asked = async (query: string, headers = {}) =>
      await ask(`${url}/v1/watch?${query}`, 'GET', undefined, headers);
    expect(await asked('since=1')).toMatchObject({
      status: 410,
      body: { code: 'OFFSET_OUT_OF_RANGE', details: { logStartOffset } },
    });
    expect(await asked('clusterId=CCCCCCCCCCCCCCCCCCCCCA')).toMatchObject({
      status: 409,
      body: { code: 'INCONSISTENT_CLUSTER_ID' },
    });
    const malformed = ['since=-1', 'since=x', 'kinds=nothing', 'unheardOf=1', 'clusterId=x', 'kinds='];
    for (const query of malformed) expect([query, (await asked(query)).status]).toEqual([query, 400]);
    expect((await asked('', { 'last-event-id': 'x' })).status).toBe(400);
    expect((await fetch(`${url}/v1/watch`, { method: 'HEAD' })).status).toBe(405);
    const without = await serve();
    const absent = await ask(`${without.url}/v1/watch`);
    expect([absent.status, absent.body]).toMatchObject([404, { code: 'RESOURCE_NOT_FOUND' }]);
  });

  it('forgets a reader that has gone', async () => {
    const { url, controller, server } = await node();
    const reader = new EventReader(`${url}/v1/watch`);
    await until(() => reader.kinds.includes('stateEnd'));
    expect(server.watchCount()).toBe(1);
    reader.close();
    await until(() => server.watchCount() === 0 && controller.hub.count === 0);
  });

  it('tells its readers where to go on when the server closes', async () => {
    const { url, controller, server } = await node();
    const reader = new EventReader(`${url}/v1/watch`);
    await until(() => reader.kinds.includes('stateEnd'));
    await server.close();
    await until(() => reader.isOver);
    expect(reader.received.at(-1)).toMatchObject({
      event: 'end',
      data: { code: 'NOT_CONTROLLER', position: controller.image.endOffset },
    });
  });
});

/** Sessions with long names. */
function wideSessions(batch: number, count: number): readonly MetadataRecord[] {
  return Array.from(
    { length: count },
    (_, at): MetadataRecord => ({
      type: 'OpenSessionRecord',
      sessionId: batch * 1_000 + at,
      principal: 'p'.repeat(250),
      timeoutMs: 60_000,
    }),
  );
}

/** A reader that stops reading when it is told to. */
function rawReader(url: string, path: string): { readonly socket: Socket; readonly text: () => string } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  const pieces: string[] = [];
  socket.setEncoding('utf8');
  socket.on('data', (piece: string) => pieces.push(piece));
  socket.on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  return { socket, text: () => pieces.join('') };
}

describe('a reader that stops reading', () => {
  it('is cut off, keeps nobody waiting, and goes on where it was without a loss', async () => {
    const { url, controller, server } = await node({ limits: { watchStallMs: 1_000 } });
    const begin = controller.image.endOffset;
    const quick = new EventReader(`${url}/v1/watch?since=${begin}`);
    const { socket, text } = rawReader(url, `/v1/watch?since=${begin}`);
    await until(() => text().includes('event: begin') && quick.kinds.includes('begin'));
    socket.pause();
    // As much as the system's buffers take, and no more: then only the one that reads is left.
    let written = 0;
    while (server.watchCount() === 2) {
      controller.append(wideSessions(written, 800));
      written++;
      await until(() => quick.lastId === String(controller.image.endOffset));
    }
    controller.append(wideSessions(written++, 1));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await closed;
    const ids = [...text().matchAll(/^id: (\d+)\n(?=data: .*\r?\n)/gm)].map((match) => Number(match[1]));
    const last = ids.at(-1) ?? begin;
    expect(last).toBeLessThan(controller.image.endOffset);
    const resumed = new EventReader(`${url}/v1/watch`, { 'last-event-id': String(last) });
    await until(() => resumed.lastId === String(controller.image.endOffset));
    const bases = (received: readonly Received[]): unknown[] =>
      received
        .filter(({ event }) => event === 'delta')
        .map(({ data }) => (data as { readonly baseOffset: unknown }).baseOffset);
    const all = bases(quick.received);
    expect(bases(resumed.received)).toEqual(all.slice(ids.length));
    expect(all.length).toBe(written);
  });
});

describe('frames', () => {
  it('are read however they are cut, and whatever is wrong with them is said', () => {
    const packed = Buffer.from([0x81, 0xa4, ...Buffer.from('kind'), 0xa9, ...Buffer.from('heartbeat')]);
    const frame = Buffer.concat([Buffer.from([0, 0, 0, packed.length]), packed]);
    const two = Buffer.concat([frame, frame]);
    for (let cut = 0; cut <= two.length; cut++) {
      const reader = new FrameReader();
      const read = [two.subarray(0, cut), two.subarray(cut)].map((piece) => reader.push(piece));
      expect(read.flatMap((each) => (each.ok ? [...each.value] : []))).toEqual([
        { kind: 'heartbeat' },
        { kind: 'heartbeat' },
      ]);
    }
    const fault = (bytes: readonly number[]): boolean => !new FrameReader().push(Uint8Array.from(bytes)).ok;
    expect(fault([0xff, 0xff, 0xff, 0xff])).toBe(true);
    expect(fault([0, 0, 0, 1, 0xc1])).toBe(true);
    expect(fault([0, 0, 0, 1, 0x05])).toBe(true);
    const bookmark = [0x81, 0xa4, ...Buffer.from('kind'), 0xa8, ...Buffer.from('bookmark')];
    expect(fault([0, 0, 0, bookmark.length, ...bookmark])).toBe(true);
    const unknown = [0x81, 0xa4, ...Buffer.from('kind'), 0xa3, ...Buffer.from('new')];
    expect(new FrameReader().push(Uint8Array.from([0, 0, 0, unknown.length, ...unknown]))).toEqual({
      ok: true,
      value: [],
    });
  });
});
