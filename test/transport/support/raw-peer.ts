import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { nodeId, type Uuid } from '../../../src/base/brands.ts';
import type { Endpoint, VersionRange } from '../../../src/raft/replica-key.ts';
import { encodeFrame, FrameReader, type FrameType, frameTypes } from '../../../src/transport/frame.ts';
import {
  decodeHello,
  decodeRefusal,
  encodeHello,
  encodeWelcome,
  protocolVersions,
} from '../../../src/transport/handshake.ts';
import { clusterId, directoryOf } from './messages.ts';
import { Recorder } from './recorder.ts';

export type RawFrame = { readonly type: FrameType | 'closed'; readonly payload: Uint8Array };

/** A socket that speaks the protocol only as far as the test makes it. */
export class RawPeer {
  readonly socket: Socket;
  readonly frames = new Recorder<RawFrame>();

  constructor(socket: Socket) {
    this.socket = socket;
    const reader = new FrameReader(64 * 1024 * 1024, (type, payload) => {
      this.frames.push({ type, payload });
      return true;
    });
    socket.on('data', (chunk: Uint8Array) => reader.push(chunk));
    // A reset is one of the ways in which the other side ends the connection.
    socket.on('error', () => {});
    socket.on('close', () => this.frames.push({ type: 'closed', payload: new Uint8Array(0) }));
  }

  static dial(endpoint: Endpoint): RawPeer {
    return new RawPeer(connect(endpoint));
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  hello(overrides: {
    id: number;
    target: number;
    directoryId?: Uuid;
    clusterId?: Uuid | null;
    versions?: VersionRange;
  }): void {
    const hello = {
      versions: overrides.versions ?? protocolVersions,
      replica: { id: nodeId(overrides.id), directoryId: overrides.directoryId ?? directoryOf(overrides.id) },
      clusterId: overrides.clusterId === undefined ? clusterId : overrides.clusterId,
      target: nodeId(overrides.target),
    };
    this.write(encodeFrame(frameTypes.hello, encodeHello(hello)));
  }

  welcomed(): Promise<RawFrame> {
    return this.frames.first(({ type }) => type === frameTypes.welcome);
  }

  closed(): Promise<RawFrame> {
    return this.frames.first(({ type }) => type === 'closed');
  }

  /** The code with which the other side has refused this one. */
  async refusal(): Promise<string> {
    const { payload } = await this.frames.first(({ type }) => type === frameTypes.refuse);
    return decodeRefusal(payload).message.split(':')[0] ?? '';
  }
}

/** A listener that accepts as node `id` and then does with the connection what the test says. */
export class RawListener {
  readonly server: Server;
  readonly accepted = new Recorder<RawPeer>();

  private constructor(server: Server) {
    this.server = server;
  }

  static listen(id: number, accept: (peer: RawPeer) => void = () => {}, port = 0): Promise<RawListener> {
    return RawListener.#serve(createServer(), 'connection', { id, accept, port });
  }

  /** Shows this certificate, whatever it says, and asks for none. */
  static listenTls(id: number, certificate: TlsOptions): Promise<RawListener> {
    const server = createTlsServer(certificate);
    return RawListener.#serve(server, 'secureConnection', { id, accept: () => {}, port: 0 });
  }

  static #serve(
    server: Server,
    event: 'connection' | 'secureConnection',
    { id, accept, port }: { id: number; accept: (peer: RawPeer) => void; port: number },
  ): Promise<RawListener> {
    const listener = new RawListener(server);
    server.on(event, (socket: Socket) => {
      const peer = new RawPeer(socket);
      void peer.frames
        .first(({ type }) => type === frameTypes.hello)
        .then(({ payload }) => {
          const hello = decodeHello(payload);
          if (!hello.ok) throw new Error(hello.error.message);
          const welcome = {
            version: 1,
            replica: { id: nodeId(id), directoryId: directoryOf(id) },
            clusterId,
          };
          peer.write(encodeFrame(frameTypes.welcome, encodeWelcome(welcome)));
          accept(peer);
          listener.accepted.push(peer);
        });
    });
    return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(listener)));
  }

  get endpoint(): Endpoint {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the listener is not listening');
    return { host: '127.0.0.1', port: address.port };
  }

  close(): Promise<void> {
    for (const { socket } of this.accepted.items) socket.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
