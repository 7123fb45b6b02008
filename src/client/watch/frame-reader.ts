import { Compile, type Validator } from 'typebox/compile';
import { failed, ok, type Result } from '../../base/result.ts';
import { unpackPositional } from '../../codec/msgpack.ts';
import type { MsgpackLimits } from '../../codec/msgpack-shape.ts';
import {
  frameBytesMax,
  frameLengthBytes,
  watchMessageSchemas,
  type WatchMessage,
} from '../protocol/watch.ts';

const limits: MsgpackLimits = { nestingMax: 16, valuesMax: 4_000_000, allowMaps: true };

const validators: Readonly<Record<string, Validator>> = Object.fromEntries(
  Object.entries(watchMessageSchemas).map(([kind, schema]) => [kind, Compile(schema)]),
);

/**
 * Takes a binary stream apart into its messages, however its bytes are cut. A message of a kind that this client
 * does not know is left out, for a newer server may have more to say; any other fault ends the stream.
 */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  push(piece: Uint8Array): Result<readonly WatchMessage[], string> {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    const messages: WatchMessage[] = [];
    while (this.#bytes >= frameLengthBytes) {
      const length = this.#peekLength();
      if (length > frameBytesMax) return failed(`a message of ${length} bytes`);
      if (this.#bytes < frameLengthBytes + length) break;
      const frame = this.#take(frameLengthBytes + length).subarray(frameLengthBytes);
      const message = decode(frame);
      if (!message.ok) return message;
      if (message.value !== null) messages.push(message.value);
    }
    return ok(messages);
  }

  #peekLength(): number {
    const head = this.#joined(frameLengthBytes);
    return new DataView(head.buffer, head.byteOffset, frameLengthBytes).getUint32(0);
  }

  #take(length: number): Uint8Array {
    const whole = this.#joined(length);
    const rest = whole.subarray(length);
    this.#pieces[0] = rest;
    if (rest.length === 0) this.#pieces.shift();
    this.#bytes -= length;
    return whole.subarray(0, length);
  }

  /** The first piece, which has at least so many bytes: those after it are joined to it where they are needed. */
  #joined(length: number): Uint8Array {
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= length) return first;
    const joined = new Uint8Array(Buffer.concat(this.#pieces));
    this.#pieces = [joined];
    return joined;
  }
}

function decode(frame: Uint8Array): Result<WatchMessage | null, string> {
  // Bytes of its own: what records hold of them outlives the piece that they came in.
  const unpacked = unpackPositional(frame.slice(), limits);
  if (!unpacked.ok) return failed(unpacked.error.message);
  const message = unpacked.value;
  const kind = typeof message === 'object' && message !== null && 'kind' in message ? message.kind : null;
  if (typeof kind !== 'string') return failed('a message without a kind');
  const validator = Object.hasOwn(validators, kind) ? validators[kind] : undefined;
  if (validator === undefined) return ok(null);
  if (validator.Check(message)) return ok(message as WatchMessage);
  const [violation] = validator.Errors(message);
  return failed(`a ${kind} is not of its form: ${violation?.instancePath ?? ''} ${violation?.message ?? ''}`);
}
