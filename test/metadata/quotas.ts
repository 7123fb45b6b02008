import { Type } from 'typebox';
import { defineResource } from '../../src/client/index.ts';

/** A kind of a user's own: how much a principal may send. */
export const quotas = defineResource({
  name: 'quota',
  id: 10_000,
  version: 1,
  key: Type.String({ pattern: '^[a-z-]+$' }),
  value: Type.Object(
    { bytesPerSecond: Type.Integer({ minimum: 0 }), note: Type.Optional(Type.String()) },
    { additionalProperties: false },
  ),
  validate: ({ bytesPerSecond }, { key, before, get, image }) => {
    if (key === 'broken') throw new Error('validate is broken');
    if (before !== null && bytesPerSecond < before.bytesPerSecond) return 'A quota never shrinks.';
    if (key !== 'all' && bytesPerSecond > (get('all')?.bytesPerSecond ?? Number.MAX_SAFE_INTEGER)) {
      return 'No quota is above that of all.';
    }
    return image.topic.byName.has('without-quotas') ? 'The topic without-quotas is there.' : undefined;
  },
});

/** The next version of it, in which a quota says how long it may be exceeded. */
export const newerQuotas = defineResource({
  name: 'quota',
  id: 10_000,
  version: 2,
  value: Type.Object({ rate: Type.Integer(), burstMs: Type.Integer() }, { additionalProperties: false }),
  upgrade: (value) => {
    const { bytesPerSecond } = Object(value) as { readonly bytesPerSecond: number };
    return { rate: bytesPerSecond, burstMs: 0 };
  },
});
