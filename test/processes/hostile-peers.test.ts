import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isUuid, nodeId } from '../../src/base/brands.ts';
import { encodeFrame, frameTypes } from '../../src/transport/frame.ts';
import { encodeHello } from '../../src/transport/handshake.ts';
import { createTopic } from './api.ts';
import { sharedCluster } from './harness.ts';
import { clusterIdOf, uuidText } from './load.ts';

const cluster = sharedCluster({ brokerCount: 1 });

/** Sends bytes to a peer port; resolves with what came back when the other side has closed. */
function send(port: number, pieces: readonly Uint8Array[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const answers: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.setTimeout(20_000, () => {
      socket.destroy();
      reject(new Error('the connection was left open'));
    });
    socket.on('data', (bytes) => answers.push(bytes));
    // A reset is a way to close, too.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(answers)));
  });
}

async function hello(target: number, clusterId: string | null, id = 77): Promise<Uint8Array> {
  const directoryId = uuidText();
  const known = clusterId ?? (await clusterIdOf(cluster().quorum));
  if (!isUuid(directoryId) || !isUuid(known)) throw new Error('not an id');
  const replica = { id: nodeId(id), directoryId };
  const payload = encodeHello({
    versions: { min: 1, max: 1 },
    replica,
    clusterId: known,
    target: nodeId(target),
  });
  return encodeFrame(frameTypes.hello, payload);
}

function lengthPrefix(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

/** Bytes that no peer sends, and the name under which the log must say so. */
async function attacks(
  target: number,
): Promise<readonly (readonly [string, readonly Uint8Array[], RegExp])[]> {
  const greeting = await hello(target, null);
  const message = (payload: Uint8Array): Uint8Array => encodeFrame(frameTypes.message, payload);
  const broken = Buffer.from(message(randomBytes(64)));
  broken.writeUInt8(broken.readUInt8(20) ^ 1, 20);
  return [
    ['random bytes', [randomBytes(4_096)], /FRAME_|UNEXPECTED_FRAME/],
    ['HTTP', [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')], /FRAME_|UNEXPECTED_FRAME/],
    ['a frame of four gigabytes', [lengthPrefix(0xffff_ffff), randomBytes(64)], /FRAME_TOO_LARGE/],
    ['a message before the handshake', [message(Buffer.from([1, 0x90]))], /UNEXPECTED_FRAME|FRAME_/],
    ['another cluster', [await hello(target, uuidText())], /INCONSISTENT_CLUSTER_ID/],
    ['a message that fails its CRC', [greeting, broken], /FRAME_CORRUPT/],
    ['a message that is no msgpack', [greeting, message(Buffer.from([1, 0xc1, 0xc1]))], /MESSAGE_MALFORMED/],
    [
      'msgpack nested too deep',
      [greeting, message(Buffer.concat([Buffer.from([1]), Buffer.alloc(5_000, 0x91)]))],
      /MESSAGE_MALFORMED/,
    ],
    [
      'an array that claims four billion members',
      [greeting, message(Buffer.from([1, 0xdd, 0xff, 0xff, 0xff, 0xff]))],
      /MESSAGE_MALFORMED/,
    ],
    ['bytes behind a message', [greeting, message(Buffer.from([1, 0x91, 0x07, 0x00]))], /MESSAGE_MALFORMED/],
    [
      'a message of an unknown version',
      [greeting, message(Buffer.from([9, 0x90]))],
      /MESSAGE_MALFORMED|UNSUPPORTED_VERSION/,
    ],
    ['silence', [Buffer.alloc(0)], /HANDSHAKE_TIMEOUT/],
  ];
}

describe('hostile bytes at the port for peers', () => {
  it('close that connection, with the reason in the log, and harm nothing else', async () => {
    const { quorum, leadership } = cluster();
    for (const { place, child } of quorum.controllers) {
      for (const [what, pieces, reason] of await attacks(place.id)) {
        const linesBefore = child.lineCount;
        await send(place.peerPort, pieces);
        const logged = await child.waitForLine(reason, linesBefore);
        expect([what, logged]).toEqual([what, expect.stringMatching(reason)]);
      }
    }
    await createTopic(leadership.leader, 'unharmed', 1, 1);
    const views = await quorum.waitUntilCaughtUp(1);
    expect(views.map(({ epoch }) => epoch)).toEqual([1, 1, 1].map(() => leadership.epoch));
  });

  it('cannot fill the node with connections that say nothing', async () => {
    const { quorum, leadership } = cluster();
    const { place } = leadership.leader;
    const sockets = Array.from({ length: 300 }, () => {
      const socket = connect(place.peerPort, '127.0.0.1');
      socket.on('error', () => undefined);
      return socket;
    });
    await createTopic(leadership.leader, 'still-serving', 1, 1);
    expect((await quorum.waitForLeader()).epoch).toBe(leadership.epoch);
    for (const socket of sockets) socket.destroy();
  });
});
