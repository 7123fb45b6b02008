import type { IncomingMessage, ServerResponse } from 'node:http';

/** Of one stream no more is kept for a repetition: the metadata of a kit are small. */
const recordedBytesMax = 16 * 1024 * 1024;

/** The bytes of a watch from its beginning, to be sent once more. */
export type RecordedStream = { readonly contentType: string; readonly bytes: Buffer };

type Stream = {
  readonly upstream: IncomingMessage;
  readonly response: ServerResponse;
  readonly chunks: Buffer[];
  bytes: number;
};

/** The watches that pass through the gateway: all of them can be held back, cut off and recorded. */
export class MetadataStreams {
  readonly #streams = new Set<Stream>();
  #isHeld = false;

  get isHeld(): boolean {
    return this.#isHeld;
  }

  get count(): number {
    return this.#streams.size;
  }

  pass(upstream: IncomingMessage, response: ServerResponse): void {
    const stream: Stream = { upstream, response, chunks: [], bytes: 0 };
    this.#streams.add(stream);
    const end = (): void => {
      this.#streams.delete(stream);
      upstream.destroy();
      response.destroy();
    };
    upstream.on('data', (chunk: Buffer) => {
      stream.bytes += chunk.length;
      if (stream.bytes <= recordedBytesMax) stream.chunks.push(chunk);
      response.write(chunk);
    });
    for (const [source, event] of [
      [upstream, 'end'],
      [upstream, 'error'],
      [upstream, 'close'],
      [response, 'close'],
    ] as const) {
      source.on(event, end);
    }
    if (this.#isHeld) upstream.pause();
  }

  /** What has not passed yet stays with the controllers until `release`. */
  hold(): void {
    this.#isHeld = true;
    for (const { upstream } of this.#streams) upstream.pause();
  }

  release(): void {
    this.#isHeld = false;
    for (const { upstream } of this.#streams) upstream.resume();
  }

  cut(): void {
    for (const { response } of this.#streams) response.destroy();
  }

  /** What each of the open streams has brought since it was opened. */
  recorded(): readonly RecordedStream[] {
    return [...this.#streams].map(({ upstream, chunks }) => ({
      contentType: String(upstream.headers['content-type'] ?? ''),
      bytes: Buffer.concat(chunks),
    }));
  }
}
