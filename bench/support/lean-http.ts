import { connect, type Socket } from 'node:net';

/** Called with the status of the answer; 0 when the connection was lost. */
type OnAnswer = (status: number) => void;

/**
 * One keep-alive connection that gets and posts JSON and reads no more of an answer than it must, so that a
 * benchmark measures the server and not its client. One request at a time, as plain HTTP has it.
 */
export class LeanConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #received = '';
  #bodyLeft = -1;
  #status = 0;
  #onAnswer: OnAnswer | null = null;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#settle(0));
  }

  static async open(port: number): Promise<LeanConnection> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new LeanConnection(socket, `127.0.0.1:${port}`);
  }

  post(path: string, body: string, onAnswer: OnAnswer): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(
      `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }

  get(path: string, onAnswer: OnAnswer): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n\r\n`);
  }

  close(): void {
    this.#onAnswer = null;
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#received += text;
    if (this.#bodyLeft < 0 && !this.#readHead()) return;
    if (this.#received.length < this.#bodyLeft) return;
    this.#received = this.#received.slice(this.#bodyLeft);
    this.#bodyLeft = -1;
    this.#settle(this.#status);
  }

  /** Status and length of the body; false while the head is not whole. */
  #readHead(): boolean {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.#received.slice(0, end);
    this.#status = Number(head.slice(9, 12));
    this.#bodyLeft = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    this.#received = this.#received.slice(end + 4);
    return true;
  }

  #settle(status: number): void {
    const onAnswer = this.#onAnswer;
    this.#onAnswer = null;
    onAnswer?.(status);
  }
}
