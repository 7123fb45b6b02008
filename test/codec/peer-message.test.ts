import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { decodePeerMessage, encodePeerMessage } from '../../src/codec/peer-message.ts';
import { codecLimits } from '../../src/codec/limits.ts';
import { bytesOf } from '../storage/log-bench.ts';
import { batches, messages } from './messages.ts';

const encoded = messages.map(encodePeerMessage);

/** Compares without caring whether bytes are a Buffer or a plain array. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, held: unknown) =>
      held instanceof Uint8Array ? Buffer.from(held).toString('hex') : held,
    ).replaceAll(/\{"type":"Buffer","data":\[([\d,]*)\]\}/g, (_all, list: string) =>
      JSON.stringify(Buffer.from(list === '' ? [] : list.split(',').map(Number)).toString('hex')),
    ),
  );
}

describe('peer messages', () => {
  it.each(messages.map((message, index) => [message.message.type, index] as const))(
    'carries %s there and back (%i)',
    (_type, index) => {
      const decoded = decodePeerMessage(encoded[index] as Uint8Array);
      assert(decoded.ok, `it is decoded: ${JSON.stringify(decoded)}`);
      expect(plain(decoded.value)).toEqual(plain(messages[index]));
    },
  );

  it('carries the batches of a fetch byte for byte', () => {
    const message = messages.find(({ message: found }) => found.type === 'fetchResponse');
    assert(message !== undefined, 'there is one');
    const decoded = decodePeerMessage(encodePeerMessage(message));
    assert(decoded.ok && decoded.value.message.type === 'fetchResponse', 'it is decoded');
    const { outcome } = decoded.value.message;
    assert(outcome.kind === 'records', 'with records');
    outcome.batches.forEach((batch, index) => {
      expect(Buffer.compare(bytesOf(batch), bytesOf(batches[index] as (typeof batches)[number]))).toBe(0);
    });
  });

  it('refuses an unknown version by its number', () => {
    const changed = Buffer.from(encoded[0] as Uint8Array);
    changed[0] = 9;
    const decoded = decodePeerMessage(changed);
    expect(decoded).toMatchObject({ ok: false, error: { code: 'UNSUPPORTED_VERSION' } });
    expect(JSON.stringify(decoded)).toContain('version 9');
  });

  it('refuses every message that is cut short or lengthened, at every length', () => {
    for (const bytes of encoded) {
      for (let length = 0; length < bytes.length; length++) {
        expect(decodePeerMessage(bytes.subarray(0, length)).ok).toBe(false);
      }
      expect(decodePeerMessage(Buffer.concat([bytes, Buffer.of(0)])).ok).toBe(false);
    }
  });

  it('refuses a batch whose bytes were changed, and one out of its place in the chain', () => {
    const message = messages.find(({ message: found }) => found.type === 'fetchResponse');
    assert(
      message?.message.type === 'fetchResponse' && message.message.outcome.kind === 'records',
      'there is one',
    );
    const { outcome } = message.message;
    const withBatches = (changed: typeof outcome.batches, fetchOffset = outcome.fetchOffset): boolean => {
      const response = {
        ...message.message,
        outcome: { ...outcome, batches: changed, fetchOffset },
      } as typeof message.message;
      return decodePeerMessage(encodePeerMessage({ channel: 'raft', message: response })).ok;
    };
    const [first, second] = outcome.batches;
    assert(first !== undefined && second !== undefined, 'there are two');
    expect(withBatches([first, second])).toBe(true);
    expect(withBatches([second, first])).toBe(false);
    expect(withBatches([second])).toBe(false);
    expect(withBatches([second], second.baseOffset)).toBe(true);
    const bytes = Buffer.from(bytesOf(second));
    for (let position = 0; position < bytes.length; position++) {
      const changed = Buffer.from(bytes);
      changed[position] = (changed[position] as number) ^ 4;
      expect(withBatches([first, { ...second, body: { form: 'encoded', bytes: changed } }])).toBe(false);
    }
  });

  it('refuses extensions, maps, deep nesting and announced lengths that are not there', () => {
    const packer = new Packr({ useRecords: false, variableMapSize: true });
    const hostile: readonly Uint8Array[] = [
      packer.pack([1, new Date(0)]),
      packer.pack([1, { a: 1 }]),
      packer.pack([...Array(100)].reduce<unknown>((inner) => [inner], 1)),
      Buffer.from('dd7fffffff', 'hex'),
      Buffer.from('c6ffffffff00', 'hex'),
      Buffer.from('dbffffffff00', 'hex'),
      Buffer.from('92d40001c1', 'hex'),
      Buffer.from('c1', 'hex'),
      Buffer.concat([Buffer.from('dd00030d41', 'hex'), Buffer.alloc(200_001, 0xc0)]),
    ];
    for (const bytes of hostile) {
      expect(decodePeerMessage(Buffer.concat([Buffer.of(1), bytes]))).toMatchObject({
        ok: false,
        error: { code: 'MALFORMED' },
      });
    }
    expect(decodePeerMessage(new Uint8Array(codecLimits.peerMessageBytesMax + 1)).ok).toBe(false);
  });

  it('takes minus zero, which no encoder writes, for zero', () => {
    // Version 1; the array of a beginQuorumEpochResponse: type, cluster id, epoch, leader id.
    const minusZero = 'cb8000000000000000';
    const bytes = Buffer.from(`019404c410${'11'.repeat(16)}${minusZero}${minusZero}`, 'hex');
    const decoded = decodePeerMessage(bytes);
    assert(decoded.ok, `it is decoded: ${JSON.stringify(decoded)}`);
    deepEqual(decoded.value.message, {
      type: 'beginQuorumEpochResponse',
      clusterId: 'EREREREREREREREREREREQ',
      epoch: 0,
      leaderId: 0,
    });
  });

  it('refuses arbitrary bytes and never throws', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400, size: 'max' }), (bytes) => {
        decodePeerMessage(bytes);
        const framed = Buffer.concat([Buffer.of(1), bytes]);
        if (!decodePeerMessage(framed).ok) refused++;
      }),
      { numRuns: 5_000 },
    );
    expect(refused).toBe(5_000);
  });

  it('never throws on a message in which bytes were changed, cut out or put in', () => {
    let taken = 0;
    const change = fc.record({
      at: fc.nat(2_000),
      remove: fc.nat(4),
      insert: fc.uint8Array({ maxLength: 4 }),
    });
    fc.assert(
      fc.property(
        fc.nat(encoded.length - 1),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (index, changes) => {
          let bytes = Buffer.from(encoded[index] as Uint8Array);
          for (const { at, remove, insert } of changes) {
            const position = at % (bytes.length + 1);
            bytes = Buffer.concat([bytes.subarray(0, position), insert, bytes.subarray(position + remove)]);
          }
          const decoded = decodePeerMessage(bytes);
          // What is taken for a message is one: it can be encoded again and means the same.
          if (!decoded.ok) return;
          const again = decodePeerMessage(encodePeerMessage(decoded.value));
          assert(again.ok, `it is encoded again: ${JSON.stringify(again)}`);
          deepEqual(plain(again.value), plain(decoded.value));
          taken++;
        },
      ),
      { numRuns: 10_000 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it('never throws on a well-formed array of arbitrary values', () => {
    const packer = new Packr({ useRecords: false, variableMapSize: true });
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.integer(),
        fc.double(),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.uint8Array({ maxLength: 20 }),
        fc.array(tie('value'), { maxLength: 9 }),
      ),
    })).value;
    let taken = 0;
    const typeIds = fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 32, 33, 34, 35, 64, 65);
    fc.assert(
      fc.property(typeIds, fc.array(value, { maxLength: 12 }), (typeId, rest) => {
        if (decodePeerMessage(Buffer.concat([Buffer.of(1), packer.pack([typeId, ...rest])])).ok) taken++;
      }),
      { numRuns: 5_000 },
    );
    expect(taken).toBeLessThan(50);
  });
});
