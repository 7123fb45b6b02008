import { assert } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { bodyBytesMax, requestTimeoutDefaultMs, requestTimeoutMaxMs } from '../client/protocol/limits.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import type { Logger } from '../ports/logger.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { ControllerApi } from '../runtime/controller-api.ts';
import { isLoopbackHost } from '../transport/loopback.ts';

export type HttpServerOptions = {
  readonly controller: ControllerApi;
  /** The operations of the image; those of the node and the probes are always there. */
  readonly operations: readonly OperationDescription[];
  /** Port 0 takes a free one. */
  readonly listen: Endpoint;
  readonly tls: TlsMaterial | null;
  /** Allows a listener without TLS that other machines can reach. */
  readonly insecure: boolean;
  /** What this software calls its own version, for the description of the API. */
  readonly version?: string;
  /** Serves an API browser at `/docs`; without it none is even loaded. */
  readonly apiBrowser?: boolean;
  readonly logger?: Logger;
  readonly limits?: Partial<HttpLimits>;
};

/** PEM texts, not the names of files. */
export type TlsMaterial = {
  readonly certificate: string;
  readonly key: string;
  /** Who signs client certificates; null when clients are not asked for any. */
  readonly clientAuthority: string | null;
};

/**
 * Invariants
 * 1. `administrationPendingMax` is below `pendingMax`: heartbeats are still taken when administration is
 *    refused (design, "Running").
 * 2. A request's own timeout is at most `requestTimeoutMaxMs`, and the server answers for a controller that
 *    stays silent at most `answerGraceMs` later.
 * 3. A closing server waits `closeGraceMs` for its answers, which is above `answerGraceMs`.
 */
export type HttpLimits = {
  readonly bodyBytesMax: number;
  /** Requests handed to the controller and not answered yet. */
  readonly pendingMax: number;
  readonly administrationPendingMax: number;
  readonly connectionsMax: number;
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
  assert(
    limits.administrationPendingMax < limits.pendingMax,
    'administration must leave room for heartbeats: administrationPendingMax < pendingMax',
  );
  assert(
    limits.requestTimeoutDefaultMs <= limits.requestTimeoutMaxMs,
    'the default timeout exceeds the maximum',
  );
  assert(limits.answerGraceMs < limits.closeGraceMs, 'closing must outlast the grace for answers');
  assert(limits.headersTimeoutMs <= limits.receiveTimeoutMs, 'headers arrive within the whole request');
  return limits;
}

/** Why a server did not start. */
export type HttpStartError = {
  readonly code: 'INSECURE_LISTENER' | 'ADDRESS_IN_USE' | 'ADDRESS_UNAVAILABLE' | 'INVALID_TLS';
  readonly message: string;
};

/** A listener that others can reach has TLS, or was asked for without it in so many words. */
export function checkListener(options: HttpServerOptions): Result<null, HttpStartError> {
  if (options.tls !== null || options.insecure || isLoopbackHost(options.listen.host)) return ok(null);
  return failed({
    code: 'INSECURE_LISTENER',
    message: `HTTP would listen on ${options.listen.host}, which other machines can reach, without TLS. Give a certificate and key, listen on 127.0.0.1, or pass --insecure.`,
  });
}
