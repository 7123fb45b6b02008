import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { encodeFrame, FrameReader, frameTypes } from '../../src/transport/frame.ts';
import { FrameWriter } from '../../src/transport/frame-writer.ts';
import { Recorder } from './support/recorder.ts';

/** Takes writes when it is told to, as a kernel does whose peer reads now and then. */
class PacedSocket extends Writable {
  failing = false;
  readonly taken: Uint8Array[] = [];
  readonly writes = new Recorder<() => void>();

  override _write(chunk: Uint8Array, _encoding: string, complete: (error?: Error) => void): void {
    if (this.failing) {
      complete(new Error('broken pipe'));
      return;
    }
    this.taken.push(chunk);
    this.writes.push(complete);
  }

  override _writev(chunks: readonly { chunk: Uint8Array }[], complete: () => void): void {
    this.taken.push(...chunks.map(({ chunk }) => chunk));
    this.writes.push(complete);
  }

  async complete(index: number): Promise<void> {
    await this.writes.count(index + 1);
    this.writes.items[index]?.();
  }

  get takenBytes(): number {
    return this.taken.reduce((sum, { length }) => sum + length, 0);
  }
}

const ping = encodeFrame(frameTypes.ping, new Uint8Array(0));

test('asking for signs of life without reading them makes nothing grow', async () => {
  const socket = new PacedSocket();
  const writer = new FrameWriter(socket, 100, () => 0);
  for (let round = 0; round < 1_000; round++) writer.sendControl(ping);
  await socket.writes.count(1);
  for (let round = 0; round < 1_000; round++) writer.sendControl(ping);
  await new Promise(setImmediate);
  expect(socket.writableLength).toBeLessThanOrEqual(100 + ping.length);
  // Eight at most waited each time.
  for (let index = 0; index < socket.writes.items.length; index++) {
    await socket.complete(index);
    await new Promise(setImmediate);
  }
  expect(socket.takenBytes).toBeLessThanOrEqual(16 * ping.length);
});

test('what is ready in one tick goes out in one write, and a control frame stands between messages', async () => {
  const socket = new PacedSocket();
  const writer = new FrameWriter(socket, 1_000, () => 0);
  const messages = [Buffer.from('first'), Buffer.from('second'), Buffer.from('third')];
  writer.setSource(() => {
    const next = messages.shift();
    return next === undefined ? null : { parts: [next], sizeInBytes: next.length };
  });
  writer.sendControl(ping);
  await socket.complete(0);
  await new Promise(setImmediate);
  expect(socket.writes.items.length).toBe(1);
  const seen: string[] = [];
  const reader = new FrameReader(
    100,
    (type, payload) => seen.push(`${type} ${Buffer.from(payload).toString()}`) > 0,
  );
  reader.push(Buffer.concat(socket.taken));
  expect(seen).toEqual(['5 ', '4 first', '4 second', '4 third']);
});

test('a large message is handed over piece by piece, never more than the socket may hold', async () => {
  const socket = new PacedSocket();
  const writer = new FrameWriter(socket, 100_000, () => 0);
  const payload = Buffer.alloc(1_000_000, 'large message ');
  let left: Uint8Array | null = payload;
  writer.setSource(() => {
    const next = left;
    left = null;
    return next === null
      ? null
      : { parts: [next.subarray(0, 300_001), next.subarray(300_001)], sizeInBytes: next.length };
  });
  await socket.writes.count(1);
  for (let index = 0; index < socket.writes.items.length; index++) {
    expect(socket.writableLength).toBeLessThanOrEqual(100_010);
    await socket.complete(index);
    await new Promise(setImmediate);
  }
  expect(socket.writes.items.length).toBeGreaterThanOrEqual(10);
  const seen: Buffer[] = [];
  const reader = new FrameReader(1_000_000, (_type, bytes) => seen.push(Buffer.from(bytes)) > 0);
  expect(reader.push(Buffer.concat(socket.taken)).ok).toBe(true);
  expect(seen.map((bytes) => bytes.equals(payload))).toEqual([true]);
});

test('a stall counts from the last byte that was taken, and time in which this process stood still does not', async () => {
  let nowMs = 0;
  const socket = new PacedSocket();
  const writer = new FrameWriter(socket, 1_000, () => nowMs);
  nowMs = 50;
  expect(writer.stalledForMs()).toBe(0);
  writer.sendControl(ping);
  await socket.writes.count(1);
  nowMs = 80;
  expect(writer.stalledForMs()).toBe(30);
  writer.creditMs(20);
  expect(writer.stalledForMs()).toBe(10);
  await socket.complete(0);
  await new Promise(setImmediate);
  expect(writer.stalledForMs()).toBe(0);
});

test('after a failed write nothing more is taken from those who wait', async () => {
  const socket = new PacedSocket();
  socket.on('error', () => {});
  socket.failing = true;
  const writer = new FrameWriter(socket, 10, () => 0);
  let given = 0;
  writer.setSource(() => {
    given += 1;
    return { parts: [Buffer.from('a message')], sizeInBytes: 9 };
  });
  await new Promise((resolve) => socket.once('close', resolve));
  expect(given).toBe(1);
});
