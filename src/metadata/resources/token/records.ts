import { bytes, defineRecord, int32, int64, type RecordOf, string, uuidType } from '../../schema.ts';

/**
 * The records of tokens. They are ours: Kafka's own secrets (SCRAM, delegation tokens) are made by another
 * protocol, and show these to its brokers as no-ops.
 */

/**
 * A token is there: whoever shows its secret is `name`, and has the role.
 *
 * The secret itself never enters the log. It has 256 random bits, so that its SHA-256 gives nothing away that
 * could be searched for: a slow hash, which passwords need, would protect nothing and would cost every
 * request milliseconds.
 */
export const tokenRecord = defineRecord({
  name: 'TokenRecord',
  id: 1005,
  fields: {
    tokenId: uuidType,
    name: string(64),
    role: string(32),
    /** The one broker that a token of the role `broker` speaks for; -1 for any other role. */
    brokerId: int32,
    secretHash: bytes(32),
    createdMs: int64,
    /** Wall clock from which on it is honoured no more; -1 for never. */
    expiresMs: int64,
  },
});

/** A token is revoked. */
export const removeTokenRecord = defineRecord({
  name: 'RemoveTokenRecord',
  id: 1006,
  fields: { tokenId: uuidType },
});

export type TokenRecord = RecordOf<typeof tokenRecord>;
