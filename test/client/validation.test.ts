import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { compileCheck } from '../../src/client/protocol/validation.ts';

const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] as const;
const letter = Type.Union(letters.map((each) => Type.Literal(each)));
const check = compileCheck(
  Type.Object(
    {
      one: Type.Optional(letter),
      many: Type.Optional(Type.Array(Type.Object({ letter }, { additionalProperties: false }))),
      either: Type.Optional(
        Type.Union([
          Type.Object({ letter }, { additionalProperties: false }),
          Type.Object({ letter: Type.Literal('j') }, { additionalProperties: false }),
        ]),
      ),
      id: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' })),
    },
    { additionalProperties: false },
  ),
  'query',
);
const list = '"a", "b", "c", "d", "e", "f", "g", "h", "i"';

describe('the complaint about a value', () => {
  it('that is none of many constants names all of them, however many the validator reports', () => {
    expect(check({ one: 'x' })).toBe(`'one' must be one of ${list}.`);
    expect(check({ many: [{ letter: 'a' }, { letter: 'x' }] })).toBe(
      `'many.1.letter' must be one of ${list}.`,
    );
  });

  it('names them where the value may have several forms', () => {
    expect(check({ either: { letter: 'x' } })).toContain(`'either.letter' must be one of ${list}, "j"`);
  });

  it('that is no id says what one is, and shows no regular expression', () => {
    expect(check({ id: 'zzz' })).toBe("'id' must be an id of 22 characters.");
  });
});
