import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { failed, ok, type Result } from '../../base/result.ts';
import { hashToken, isToken } from '../../client/protocol/bearer-token.ts';
import type { ProblemInput } from '../../client/protocol/problem.ts';
import { hasTokenExpired, tokenIdOf } from '../../metadata/resources/token/identity.ts';
import type { TokenRow } from '../../metadata/resources/token/resource.ts';
import { isRole } from '../../metadata/roles.ts';
import type { ControllerApi, NodeStatus } from '../../runtime/controller-api.ts';
import type { CertificateRole } from '../../runtime/certificate-role.ts';
import { certificateNames } from './certificate-names.ts';
import { anonymousPrincipal, type Identity } from './identity.ts';

/** Who is let in: holders of tokens, and of certificates that are named here. `off` makes everybody administrator. */
export type Authentication = { readonly certificateRoles: readonly CertificateRole[] } | 'off';

export type Authenticator = (request: IncomingMessage) => Result<Identity, ProblemInput>;

/**
 * Finds out who asks, from the committed image of this node alone, so that it works while nobody leads.
 *
 * Rules
 * 1. A token that is shown decides: a wrong one is refused, whatever certificate stands beside it.
 * 2. Secrets are compared by their hashes, and those in constant time.
 * 3. The image may be behind. A token that it does not know is refused only where this node is in touch with
 *    its quorum; otherwise the answer says that this node cannot tell. A token that it does know may have been
 *    revoked meanwhile, and the leader looks again before it writes or confirms a read.
 */
export function createAuthenticator(
  authentication: Authentication,
  controller: ControllerApi,
  wallMs: () => number,
): Authenticator {
  if (authentication === 'off') return (request) => ok(everybody(request));
  const byName = new Map(authentication.certificateRoles.map((each) => [each.name, each]));
  return (request) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) return identifyToken(authorization, controller, wallMs());
    const certified = identifyCertificate(request, byName);
    return certified === null ? failed(nobody(request)) : ok(certified);
  };
}

/** Without authentication; the name of a certificate still tells principals apart. */
function everybody({ socket }: IncomingMessage): Identity {
  const name = socket instanceof TLSSocket ? certificateNames(socket)[0] : undefined;
  return {
    principal: name === undefined ? anonymousPrincipal : principalOfName(name),
    role: 'administrator',
    brokerId: null,
    tokenId: null,
  };
}

function principalOfName(name: string): string {
  // Longer than a principal may be is no name that anybody gave on purpose.
  return `User:${name.replace(':', '=')}`.slice(0, 256);
}

function identifyCertificate(
  { socket }: IncomingMessage,
  byName: ReadonlyMap<string, CertificateRole>,
): Identity | null {
  if (!(socket instanceof TLSSocket) || byName.size === 0) return null;
  for (const name of certificateNames(socket)) {
    const found = byName.get(name);
    if (found === undefined) continue;
    const { role, brokerId } = found;
    return { principal: principalOfName(name), role, brokerId, tokenId: null };
  }
  return null;
}

function nobody({ socket }: IncomingMessage): ProblemInput {
  const isCertified = socket instanceof TLSSocket && socket.authorized;
  return refusal(
    isCertified
      ? 'The client certificate has no name that is given a role here, and no token was shown.'
      : 'The request does not say who asks: show a token as Authorization: Bearer <token>.',
  );
}

const bearer = /^Bearer +(\S+) *$/i;

function identifyToken(
  authorization: string,
  controller: ControllerApi,
  nowMs: number,
): Result<Identity, ProblemInput> {
  const token = bearer.exec(authorization)?.[1] ?? '';
  if (!isToken(token)) {
    return failed(
      refusal('What was shown is no token of this cluster: it is not of the form Bearer ottla_….'),
    );
  }
  const secretHash = hashToken(token);
  const row = controller.findToken?.(tokenIdOf(secretHash)) ?? null;
  if (row === null || !isSameHash(row, secretHash)) return failed(unknownToken(controller.status()));
  if (hasTokenExpired(row, nowMs)) {
    const when = new Date(row.expiresMs).toISOString();
    return failed(refusal(`The token of ${row.name} expired at ${when}.`));
  }
  const { name, role, brokerId, tokenId } = row;
  if (!isRole(role)) return failed(refusal(`This controller knows no role ${role}, which the token has.`));
  const isBound = role === 'broker';
  return ok({ principal: `User:${name}`, role, brokerId: isBound ? brokerId : null, tokenId });
}

function isSameHash({ secretHash }: TokenRow, shown: Buffer): boolean {
  return secretHash.length === shown.length && timingSafeEqual(secretHash, shown);
}

function refusal(message: string): ProblemInput {
  return { code: 'SASL_AUTHENTICATION_FAILED', message };
}

function unknownToken(status: NodeStatus): ProblemInput {
  if (isInTouch(status)) return refusal('This cluster knows no such token; it may have been revoked.');
  return {
    code: 'NOT_CONTROLLER',
    message:
      'This node does not know the token, and is not in touch with its quorum to say that nobody does; ask another node.',
  };
}

/** A node that has not heard from its leader for this long may be missing tokens that were made since. */
const inTouchMs = 3_000;

/**
 * Whether a token that this node does not know is known to nobody. Its own high watermark reaches no further than its
 * log, so a node that has started a moment ago may have applied all of that and have most of the log still to fetch.
 */
function isInTouch({
  leaderId,
  active,
  lastContactMs,
  appliedOffset,
  leaderHighWatermark,
}: NodeStatus): boolean {
  if (active) return true;
  const isCurrent = leaderHighWatermark !== null && appliedOffset >= leaderHighWatermark;
  return leaderId !== null && lastContactMs !== null && lastContactMs <= inTouchMs && isCurrent;
}
