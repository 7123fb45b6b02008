import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame, FrameReader, type FrameType, frameTypes } from '../../src/transport/frame.ts';

const types = fc.constantFrom<FrameType>(...Object.values(frameTypes));
const frames = fc.array(fc.record({ type: types, payload: fc.uint8Array({ maxLength: 300 }) }), {
  maxLength: 8,
});

type Seen = { readonly type: FrameType; readonly payload: readonly number[] };

/** Reads `stream` in pieces that end at `cuts`; gives the frames and the code of the error, if any. */
function read(
  stream: Uint8Array,
  cuts: readonly number[],
  payloadBytesMax = 300,
): { seen: Seen[]; code: string | null } {
  const seen: Seen[] = [];
  const reader = new FrameReader(payloadBytesMax, (type, payload) => {
    seen.push({ type, payload: [...payload] });
    return true;
  });
  const ends = [...new Set([...cuts.map((cut) => cut % (stream.length + 1)), stream.length])];
  let start = 0;
  for (const end of ends.toSorted((left, right) => left - right)) {
    // A copy, as each read from a socket has memory of its own.
    const result = reader.push(Uint8Array.from(stream.subarray(start, end)));
    if (!result.ok) return { seen, code: result.error.code };
    start = end;
  }
  return { seen, code: null };
}

function streamOf(list: readonly { readonly type: FrameType; readonly payload: Uint8Array }[]): Uint8Array {
  return Buffer.concat(list.map(({ type, payload }) => encodeFrame(type, payload)));
}

describe('the frame reader', () => {
  test('gives the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (list, cuts) => {
        const expected = list.map(({ type, payload }) => ({ type, payload: [...payload] }));
        expect(read(streamOf(list), cuts)).toEqual({ seen: expected, code: null });
      }),
    );
  });

  test('gives the same frames when every byte comes alone', () => {
    const list = [
      { type: frameTypes.message, payload: Buffer.from('some bytes') },
      { type: frameTypes.ping, payload: new Uint8Array(0) },
    ];
    const stream = streamOf(list);
    expect(read(stream, [...stream.keys()]).seen.length).toBe(2);
  });

  test('never hands on a frame of which a byte was changed, nor one behind it', () => {
    fc.assert(
      fc.property(
        frames,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.array(fc.nat()),
        (list, at, change, cuts) => {
          const stream = Buffer.from(streamOf(list));
          fc.pre(stream.length > 0);
          const position = at % stream.length;
          stream.writeUInt8(stream.readUInt8(position) ^ change, position);
          const { seen } = read(stream, cuts);
          let end = 0;
          const whole = list.filter(({ payload }) => (end += payload.length + 9) <= position);
          expect(seen).toEqual(whole.map(({ type, payload }) => ({ type, payload: [...payload] })));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('refuses a frame above the limit from its length alone, and takes one at the limit', () => {
    const frame = encodeFrame(frameTypes.message, new Uint8Array(301));
    expect(read(frame.subarray(0, 4), []).code).toBe('FRAME_TOO_LARGE');
    expect(read(encodeFrame(frameTypes.message, new Uint8Array(300)), []).code).toBe(null);
  });

  test('hands nothing on once its listener has lost interest', () => {
    const stream = streamOf(
      Array.from({ length: 3 }, () => ({ type: frameTypes.ping, payload: new Uint8Array(1) })),
    );
    let seen = 0;
    const reader = new FrameReader(10, () => {
      seen += 1;
      return false;
    });
    reader.push(stream);
    expect(seen).toBe(1);
  });
});
