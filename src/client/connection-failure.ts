/** Why an endpoint gave no answer, as far as a person can do something about it. */
export type FailureKind =
  | 'refused'
  | 'timedOut'
  /** The name has no address, or there is no way to it. */
  | 'notFound'
  | 'certificateNotTrusted'
  /** It was spoken to in TLS and does not speak it. */
  | 'tlsUnexpected'
  /** It was spoken to without TLS and hung up, as one does that expects TLS. */
  | 'tlsExpected'
  /** It answered, and could not do what was asked: the reason is its own. */
  | 'answered'
  | 'other';

export type ConnectionFailure = {
  readonly kind: FailureKind;
  /** A clause for people, without a full stop. */
  readonly reason: string;
};

/** What was tried, and with what outcome; `failure` is null for an endpoint that was not asked. */
export type EndpointOutcome = { readonly endpoint: string; readonly failure: ConnectionFailure | null };

/** Errors at which no byte of the request has left: the connection was never made. */
const neverSent: Readonly<Record<string, ConnectionFailure>> = {
  ECONNREFUSED: { kind: 'refused', reason: 'the connection was refused' },
  ENOTFOUND: { kind: 'notFound', reason: 'its name has no address' },
  EAI_AGAIN: { kind: 'notFound', reason: 'its name could not be looked up' },
  EHOSTUNREACH: { kind: 'notFound', reason: 'there is no route to it' },
  ENETUNREACH: { kind: 'notFound', reason: 'there is no route to it' },
  UND_ERR_CONNECT_TIMEOUT: { kind: 'timedOut', reason: 'no connection came about in time' },
};

/** The server's certificate was not accepted: the handshake ended before any request. */
const distrusted = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_)/;

/**
 * What arrives instead of a handshake is read as one, and which of its fields is found odd depends on
 * OpenSSL's version.
 */
const notTls: ReadonlySet<string> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
]);

const hungUp: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Whether the request of a failed exchange has certainly not left. */
export function isNeverSent(error: unknown): boolean {
  // A name with several addresses fails with one error for each.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isNeverSent);
  const code = codeOf(error);
  return Object.hasOwn(neverSent, code) || distrusted.test(code);
}

/** Words for an error of the HTTP client; `isTls` says whether it spoke TLS to the endpoint. */
export function describeConnectionFailure(error: unknown, isTls: boolean): ConnectionFailure {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return describeConnectionFailure(error.errors[0], isTls);
  }
  const code = codeOf(error);
  const message = error instanceof Error && error.message !== '' ? error.message.trim() : code;
  const known = Object.hasOwn(neverSent, code) ? neverSent[code] : undefined;
  if (known !== undefined) return known;
  if (distrusted.test(code)) {
    return { kind: 'certificateNotTrusted', reason: `its certificate is not trusted (${message})` };
  }
  if (notTls.has(code)) {
    return { kind: 'tlsUnexpected', reason: 'it does not speak TLS' };
  }
  if (hungUp.has(code)) return describeHangUp(isTls);
  return { kind: 'other', reason: message === '' ? String(error) : message };
}

/** A listener for TLS hangs up on plain text without a word, and TLS 1.3 on a client without a certificate. */
function describeHangUp(isTls: boolean): ConnectionFailure {
  const reason = 'it closed the connection without an answer';
  return isTls
    ? { kind: 'other', reason: `${reason} (does it demand a client certificate?)` }
    : { kind: 'tlsExpected', reason: `${reason} (does it expect TLS?)` };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
