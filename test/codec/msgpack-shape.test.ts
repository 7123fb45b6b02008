import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { checkMsgpackShape } from '../../src/codec/msgpack-shape.ts';
import { unpackPositional } from '../../src/codec/msgpack.ts';

const limits = { nestingMax: 4, valuesMax: 100, allowMaps: false };
const packer = new Packr({ useRecords: false, variableMapSize: true });

function isSafe(hex: string, allowMaps = false): boolean {
  return checkMsgpackShape(Buffer.from(hex, 'hex'), { ...limits, allowMaps }).ok;
}

describe('the shape of a msgpack value', () => {
  it.each(['c7', 'c8', 'c9', 'd4', 'd5', 'd6', 'd7', 'd8'])('refuses the extension head %s', (head) => {
    expect(isSafe(`${head}${'00'.repeat(300)}`)).toBe(false);
    for (let length = 1; length < 24; length++)
      expect(isSafe(`91${head}01${'00'.repeat(length)}`)).toBe(false);
  });

  it('refuses the reserved head, trailing bytes, nothing at all, and what is cut short', () => {
    const refused = ['c1', '', '9201', 'c0c0', '01c0', 'a3ab', 'cd01', 'c403ffff', 'dc0001', 'cb00'];
    expect(refused.filter((hex) => isSafe(hex))).toEqual([]);
  });

  it('refuses lengths that are announced and not there', () => {
    const refused = ['ddffffffff', 'dcffff00', 'dfffffffff', 'c6ffffffff', 'dbffffffff'];
    expect(refused.filter((hex) => isSafe(hex, true))).toEqual([]);
  });

  it('bounds nesting and the number of values', () => {
    expect(isSafe('9191919101')).toBe(true);
    expect(isSafe('919191919101')).toBe(false);
    expect(isSafe(`dc0063${'c0'.repeat(99)}`)).toBe(true);
    expect(isSafe(`dc0064${'c0'.repeat(100)}`)).toBe(false);
  });

  it('refuses maps unless they are allowed', () => {
    expect(isSafe('8101c0')).toBe(false);
    expect(isSafe('8101c0', true)).toBe(true);
    expect(isSafe('8101', true)).toBe(false);
  });

  it('accepts whatever the packer makes of plain values, and the unpacker gives the same back', () => {
    const plain = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', maxDepth: 5 },
        fc.maxSafeInteger(),
        fc.double({ noNaN: true }),
        fc.string({ maxLength: 300 }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 20 }),
      ),
    })).value;
    let seen = 0;
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 6 }), (value) => {
        const unpacked = unpackPositional(packer.pack(value));
        seen++;
        return unpacked.ok && packer.pack(unpacked.value).equals(packer.pack(value));
      }),
      { numRuns: 1_000 },
    );
    expect(seen).toBeGreaterThan(0);
  });
});
