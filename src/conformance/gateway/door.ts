import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from '../../raft/replica-key.ts';

/** One of the gateway's addresses. It can be shut, so that it looks like a controller that is gone. */
export class Door {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isShut = false;
  #port = 0;
  #host = '';
  /** How often somebody has come to it while it was shut. */
  refused = 0;

  constructor(serve: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#server = createServer(serve);
    this.#server.on('connection', (socket) => {
      if (this.#isShut) {
        this.refused += 1;
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://${this.#host}:${this.#port}`;
  }

  listen({ host, port }: Endpoint): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        const address = this.#server.address();
        this.#host = host;
        this.#port = typeof address === 'object' && address !== null ? address.port : port;
        resolve();
      });
    });
  }

  shut(): void {
    this.#isShut = true;
    this.refused = 0;
    this.dropConnections();
  }

  open(): void {
    this.#isShut = false;
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.shut();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
