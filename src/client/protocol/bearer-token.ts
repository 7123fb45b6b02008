import { createHash, randomBytes } from 'node:crypto';

/**
 * A token as it is shown: `ottla_` and 32 random bytes as base64url. Nothing of another form is ever honoured,
 * so that nobody takes a word that people remember for one: its hash could be searched for. The beginning
 * lets those who look for secrets in the wrong places find it.
 */
const tokenPattern = /^ottla_[A-Za-z0-9_-]{43}$/;

const secretBytes = 32;

export function isToken(text: string): boolean {
  return tokenPattern.test(text);
}

/** What the cluster keeps of a token. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export type NewToken = {
  /** Whoever shows it has the rights: it goes to its user, and nowhere else. */
  readonly token: string;
  /** What `createToken` is given: hexadecimal. */
  readonly secretHash: string;
};

/** A token that no cluster knows yet: `createToken` makes its hash known. */
export function makeToken(): NewToken {
  const token = `ottla_${randomBytes(secretBytes).toString('base64url')}`;
  return { token, secretHash: hashToken(token).toString('hex') };
}
