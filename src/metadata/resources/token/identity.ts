import { assert } from '../../../base/assert.ts';
import { compareBytes } from '../../../base/compare.ts';
import type { Uuid } from '../../../base/brands.ts';
import { uuidFromBytes } from '../../../base/uuid.ts';
import type { MetadataImage } from '../../image.ts';
import type { Role } from '../../roles.ts';
import type { TokenRow } from './resource.ts';

export const secretHashBytes = 32;

/** Of the tokens that controllers make of their own accord; no other role may have it. */
export const administratorName = 'administrator';

/**
 * A token's id follows from the hash of its secret: who holds the secret finds the row without a list of all
 * of them, and a request that is repeated makes no second token. The first bit is cleared, so that no id
 * begins with '-', which a command line would take for an option.
 */
export function tokenIdOf(secretHash: Uint8Array): Uuid {
  assert(secretHash.length === secretHashBytes, `a secret's hash has ${secretHashBytes} bytes`);
  const bytes = Uint8Array.from(secretHash.subarray(0, 16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return uuidFromBytes(bytes);
}

/** 64 hexadecimal digits as 32 bytes; the operation's schema has checked them. */
export function bytesOfHash(hexadecimal: string): Uint8Array {
  return Uint8Array.from({ length: secretHashBytes }, (_, at) =>
    Number.parseInt(hexadecimal.slice(2 * at, 2 * at + 2), 16),
  );
}

/** No token is honoured at its expiry or later. */
export function hasTokenExpired({ expiresMs }: TokenRow, nowMs: number): boolean {
  return expiresMs !== -1 && nowMs >= expiresMs;
}

/** Why a token is not honoured (any more), for a sentence that begins with it; null when it is. */
export function dishonouredToken(row: TokenRow | null, nowMs: number): 'was revoked' | 'has expired' | null {
  if (row === null) return 'was revoked';
  return hasTokenExpired(row, nowMs) ? 'has expired' : null;
}

/** Whether both stand for the same principal with the same rights. */
export function isSamePrincipal(
  left: Pick<TokenRow, 'name' | 'role' | 'brokerId'>,
  right: Pick<TokenRow, 'name' | 'role' | 'brokerId'>,
): boolean {
  return left.name === right.name && left.role === right.role && left.brokerId === right.brokerId;
}

export function isSameSecret(left: TokenRow, secretHash: Uint8Array): boolean {
  return compareBytes(left.secretHash, secretHash) === 0;
}

/** Whether the cluster has an administrator's token that is honoured at this time. */
export function hasAdministrator({ token }: MetadataImage, nowMs: number): boolean {
  const administrator: Role = 'administrator';
  for (const row of token.tokens.values()) {
    if (row.role === administrator && !hasTokenExpired(row, nowMs)) return true;
  }
  return false;
}
