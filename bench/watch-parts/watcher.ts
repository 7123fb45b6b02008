import { get, type Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { Unpackr } from 'msgpackr';
import { binaryWatchContentType, frameLengthBytes } from '../../src/client/protocol/watch.ts';

export type StreamForm = 'SSE' | 'binary';

/** When each batch arrived, by the offset at which it ends. */
export type Arrivals = Map<number, number[]>;

const unpacker = new Unpackr({ useRecords: false, int64AsType: 'number' });

/** One reader of a stream, in as little code as will tell whether anything is lost or out of order. */
export class BenchWatcher {
  /** Breaks of order: a batch that does not begin where the one before ended. */
  faults = 0;
  received = 0;
  position: number;
  isOpen = false;
  readonly #form: StreamForm;
  readonly #arrivals: Arrivals;
  #request: ClientRequest | null = null;
  #rest: Buffer = Buffer.alloc(0);

  constructor(form: StreamForm, since: number, arrivals: Arrivals) {
    this.#form = form;
    this.position = since;
    this.#arrivals = arrivals;
  }

  async open(origin: string, agent: Agent): Promise<void> {
    const headers = this.#form === 'binary' ? { accept: binaryWatchContentType } : {};
    const url = `${origin}/v1/watch?since=${this.position}`;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      this.#request = get(url, { agent, headers }, resolve);
      this.#request.on('error', reject);
    });
    if (response.statusCode !== 200) throw new Error(`the stream was refused with ${response.statusCode}`);
    this.isOpen = true;
    this.#request?.on('error', () => undefined);
    response.on('error', () => undefined);
    response.on('close', () => {
      this.isOpen = false;
    });
    response.on('data', (piece: Buffer) => {
      this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
      if (this.#form === 'binary') this.#takeFrames();
      else this.#takeEvents();
    });
  }

  close(): void {
    this.#request?.destroy();
  }

  #takeFrames(): void {
    let at = 0;
    for (;;) {
      if (this.#rest.length - at < frameLengthBytes) break;
      const end = at + frameLengthBytes + this.#rest.readUInt32BE(at);
      if (end > this.#rest.length) break;
      this.#take(unpacker.unpack(this.#rest.subarray(at + frameLengthBytes, end)));
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
  }

  #takeEvents(): void {
    const text = this.#rest.toString('latin1');
    const end = text.lastIndexOf('\n\n');
    if (end < 0) return;
    for (const block of text.slice(0, end).split('\n\n')) {
      if (!block.startsWith('event: delta')) continue;
      const fields = /"baseOffset":(\d+),"endOffset":(\d+)/.exec(block);
      this.#take({ kind: 'delta', baseOffset: Number(fields?.[1]), endOffset: Number(fields?.[2]) });
    }
    this.#rest = this.#rest.subarray(end + 2);
  }

  #take(message: { readonly kind: string; readonly baseOffset?: number; readonly endOffset?: number }): void {
    if (message.kind !== 'delta') return;
    if (message.baseOffset !== this.position) this.faults++;
    this.position = message.endOffset ?? Number.NaN;
    this.received++;
    const known = this.#arrivals.get(this.position) ?? [];
    known.push(performance.now());
    this.#arrivals.set(this.position, known);
  }
}
