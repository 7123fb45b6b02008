import { assert } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { bodyBytesMax, requestTimeoutDefaultMs, requestTimeoutMaxMs } from '../client/protocol/limits.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import type { Logger } from '../ports/logger.ts';
import type { ResourceKind } from '../metadata/resources/custom/kind.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { ControllerApi } from '../runtime/controller-api.ts';
import type { Authentication } from './authentication/index.ts';
import { isLoopbackHost } from '../transport/loopback.ts';

export type HttpServerOptions = {
  readonly controller: ControllerApi;
  /** The operations of the image; those of the node and the probes are always there. */
  readonly operations: readonly OperationDescription[];
  /** Kinds of the user's own, for the description of the API. */
  readonly resources?: readonly ResourceKind[];
  /** Port 0 takes a free one. */
  readonly listen: Endpoint;
  readonly tls: TlsMaterial | null;
  /** Who is let in. */
  readonly authentication: Authentication;
  /** Allows a listener without TLS, or without authentication, that other machines can reach. */
  readonly insecure: boolean;
  /** What this software calls its own version, for the description of the API. */
  readonly version?: string;
  /** Serves an API browser at `/docs`; without it none is even loaded. */
  readonly apiBrowser?: boolean;
  readonly logger?: Logger;
  /** Wall clock, by which tokens expire; the process's own when absent. */
  readonly wallMs?: () => number;
  readonly limits?: Partial<HttpLimits>;
};

/** PEM texts, not the names of files. */
export type TlsMaterial = {
  readonly certificate: string;
  readonly key: string;
  /** Who signs client certificates; null when clients are not asked for any. */
  readonly clientAuthority: string | null;
  /** Lets nobody in without a certificate of that authority; otherwise one may show it instead of a token. */
  readonly requiresCertificate?: boolean;
};

/**
 * Invariants
 * 1. `administrationPendingMax` is below `pendingMax`: heartbeats are still taken when administration is
 *    refused (design, "Running").
 * 2. A request's own timeout is at most `requestTimeoutMaxMs`, and the server answers for a controller that
 *    stays silent at most `answerGraceMs` later.
 * 3. A closing server waits `closeGraceMs` for its answers, which is above `answerGraceMs`.
 * 4. One address cannot have all connections: `connectionsPerAddressMax` is below `connectionsMax`.
 */
export type HttpLimits = {
  readonly bodyBytesMax: number;
  /** Requests handed to the controller and not answered yet. */
  readonly pendingMax: number;
  readonly administrationPendingMax: number;
  readonly connectionsMax: number;
  /** Of these, how many one address may have. */
  readonly connectionsPerAddressMax: number;
  /** Of one principal at this node: in the long run, and at once; not counted where nobody is asked who it is. */
  readonly requestsPerSecond: number;
  readonly requestsBurst: number;
  readonly requestTimeoutDefaultMs: number;
  readonly requestTimeoutMaxMs: number;
  readonly answerGraceMs: number;
  readonly closeGraceMs: number;
  /** How long a peer may take to send its headers, and its whole request. */
  readonly headersTimeoutMs: number;
  readonly receiveTimeoutMs: number;
  /** A reader of a stream that takes nothing for so long is cut off; it can go on where it was. */
  readonly watchStallMs: number;
};

export const defaultHttpLimits: HttpLimits = {
  bodyBytesMax,
  pendingMax: 8_192,
  administrationPendingMax: 6_144,
  connectionsMax: 16_384,
  connectionsPerAddressMax: 4_096,
  requestsPerSecond: 10_000,
  requestsBurst: 20_000,
  requestTimeoutDefaultMs,
  requestTimeoutMaxMs,
  answerGraceMs: 250,
  closeGraceMs: 6_000,
  headersTimeoutMs: 10_000,
  receiveTimeoutMs: 30_000,
  watchStallMs: 15_000,
};

export function resolveLimits(given: Partial<HttpLimits> | undefined): HttpLimits {
  const limits = { ...defaultHttpLimits, ...given };
  const fault = findLimitFault(limits);
  assert(fault === null, fault ?? '');
  return limits;
}

/** A relation between limits that does not hold, or null. */
export function findLimitFault(limits: HttpLimits): string | null {
  if (limits.administrationPendingMax >= limits.pendingMax) {
    return 'administration must leave room for heartbeats: administrationPendingMax < pendingMax.';
  }
  if (limits.requestTimeoutDefaultMs > limits.requestTimeoutMaxMs) {
    return 'the default timeout exceeds the maximum: requestTimeoutDefaultMs <= requestTimeoutMaxMs.';
  }
  if (limits.answerGraceMs >= limits.closeGraceMs) {
    return 'closing must outlast the grace for answers: answerGraceMs < closeGraceMs.';
  }
  if (limits.headersTimeoutMs > limits.receiveTimeoutMs) {
    return 'headers arrive within the whole request: headersTimeoutMs <= receiveTimeoutMs.';
  }
  if (limits.connectionsPerAddressMax >= limits.connectionsMax) {
    return 'one address must not have all connections: connectionsPerAddressMax < connectionsMax.';
  }
  const positive = [
    'connectionsPerAddressMax',
    'requestsPerSecond',
    'requestsBurst',
    'headersTimeoutMs',
  ] as const;
  const zero = positive.find((name) => limits[name] < 1);
  return zero === undefined ? null : `${zero} must be at least 1.`;
}

/** Why a server did not start. */
export type HttpStartError = {
  readonly code: 'INSECURE_LISTENER' | 'ADDRESS_IN_USE' | 'ADDRESS_UNAVAILABLE' | 'INVALID_TLS';
  readonly message: string;
};

/** A listener that others can reach has TLS and asks who they are, or was asked for without in so many words. */
export function checkListener(options: HttpServerOptions): Result<null, HttpStartError> {
  const { host } = options.listen;
  if (options.insecure || isLoopbackHost(host)) return ok(null);
  if (options.tls !== null && options.authentication !== 'off') return ok(null);
  const [lack, advice] =
    options.tls === null
      ? ['without TLS', 'Give a certificate and key']
      : ['without authentication', 'Turn authentication on'];
  return failed({
    code: 'INSECURE_LISTENER',
    message: `HTTP would listen on ${host}, which other machines can reach, ${lack}. ${advice}, listen on 127.0.0.1, or pass --insecure.`,
  });
}
