import { brokerErrors } from '../broker/problems.ts';
import type { EndpointOutcome, FailureKind } from '../client/connection-failure.ts';
import { errorCatalogue } from '../metadata/errors.ts';
import { NoAnswerError, OttlaError, OutcomeUnknownError, UnexpectedAnswerError } from '../client/errors.ts';
import { isErrorCode } from '../client/protocol/problem.ts';
import { exitCodes, type ExitName } from './exit-codes.ts';

/** A failure that says all there is to say: what happened, and what to do next. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exit: ExitName;
  readonly advice: string;

  constructor(exit: ExitName, message: string, advice: string) {
    super(message);
    this.exit = exit;
    this.advice = advice;
  }
}

/** What to do about an error code, where there is more to say than its message does. */
const adviceByCode: Readonly<Record<string, string>> = {
  NOT_CONTROLLER: 'See who is up with: ottla quorum status',
  REQUEST_TIMED_OUT: 'See who is up with: ottla quorum status',
  THROTTLING_QUOTA_EXCEEDED: 'Try again in a moment, or send less at a time.',
  STORAGE_LOW: 'Make room on the leader’s disk; which one leads says: ottla quorum status',
  TOPIC_ALREADY_EXISTS: 'See it with: ottla topic describe <topic>',
  UNKNOWN_TOPIC_OR_PARTITION: 'See which there are with: ottla topic list',
  UNKNOWN_TOPIC_ID: 'See which there are with: ottla topic list',
  INVALID_PARTITIONS: 'See how many there are with: ottla topic describe <topic>',
  INVALID_TOPIC_EXCEPTION: 'A topic’s name has 1 to 249 of the characters a-z A-Z 0-9 . _ -',
  INVALID_REPLICATION_FACTOR: 'See how many brokers can take replicas with: ottla broker list',
  INVALID_REPLICA_ASSIGNMENT: 'See which brokers there are with: ottla broker list',
  BROKER_ID_NOT_REGISTERED: 'See which brokers there are with: ottla broker list',
  BROKER_STILL_ACTIVE: 'Stop the broker first; once it is fenced (ottla broker list) it can be unregistered.',
  SASL_AUTHENTICATION_FAILED:
    'Show a token, by OTTLA_TOKEN or --token-file. Where all of them are lost: ottla token recover --help',
  CLUSTER_AUTHORIZATION_FAILED: 'Use a token of another role; an administrator makes one: ottla token create',
  CONTROLLER_ID_NOT_REGISTERED: 'See which controllers there are with: ottla controller list',
  INVALID_CONFIG: 'See which configs there are, and what they may be, with: ottla config definitions -o wide',
  UNSUPPORTED_VERSION: 'See what is supported with: ottla feature list; ottla controller list',
  UNKNOWN_SESSION_ID: 'See which there are with: ottla session list',
  VOTER_NOT_FOUND: 'See which there are with: ottla quorum voters',
  VOTER_NOT_CAUGHT_UP: 'See how far it is with: ottla quorum describe',
  DUPLICATE_VOTER: 'See which there are with: ottla quorum voters',
  UNKNOWN_TOKEN_ID: 'See which there are with: ottla token list',
  TOKEN_CONFLICT: 'See whose tokens there are with: ottla token list',
  TOKEN_TABLE_FULL: 'See which have expired with: ottla token list',
  OFFSET_OUT_OF_RANGE: 'Leave --from or --at-offset out, or give an offset that the message names as held.',
  UNKNOWN_SERVER_ERROR: 'The server’s own log says more.',
  RESOURCE_NOT_FOUND: 'Is the server of an older version than this command? See: ottla --version',
};

export type Failure = { readonly exit: ExitName; readonly message: string; readonly advice: string };

/** Every error that a command can meet, as one sentence, an advice and an exit code. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CliFailure) return { exit: error.exit, message: error.message, advice: error.advice };
  if (error instanceof OttlaError) return describeProblem(error);
  if (error instanceof OutcomeUnknownError) {
    return {
      exit: 'outcomeUnknown',
      message: sentence(error.message),
      advice: 'Look whether it took effect before you repeat it.',
    };
  }
  if (error instanceof NoAnswerError) {
    // Without an endpoint it came to an end within the client, before anybody was asked.
    if (error.outcomes.length > 0) return describeSilence(error.outcomes);
    return { exit: 'noAnswer', message: sentence(error.reason), advice: 'Try again in a moment.' };
  }
  if (error instanceof UnexpectedAnswerError) {
    return {
      exit: 'failure',
      message: sentence(error.message),
      advice: 'Use a command of the same version as the server, and see that --endpoints names controllers.',
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    exit: 'failure',
    message: sentence(message),
    advice: 'Run it again with OTTLA_DEBUG=1 to see where.',
  };
}

/** What to do about an endpoint that was reached, and did not do it or could not be talked to. */
const adviceByKind: Readonly<Partial<Record<FailureKind, string>>> = {
  answered: 'See who is up with: ottla quorum status',
  certificateNotTrusted: 'Name the authority that signed its certificate with --tls-authority <file>.',
  tlsUnexpected: 'Where it serves without TLS, write http:// in --endpoints.',
  tlsExpected: 'Where it serves with TLS, write https:// in --endpoints, and name --tls-authority.',
};

/** Nobody answered: each endpoint with its own reason, those that have the same one together. */
export function describeSilence(outcomes: readonly EndpointOutcome[]): Failure {
  const byReason = new Map<string, string[]>();
  for (const { endpoint, failure } of outcomes) {
    const reason = failure?.reason ?? 'it was not asked';
    byReason.set(reason, [...(byReason.get(reason) ?? []), endpoint]);
  }
  const parts = [...byReason].map(([reason, endpoints]) => `at ${endpoints.join(', ')}: ${reason}`);
  const kinds = outcomes.map(({ failure }) => failure?.kind ?? 'other');
  const kind = kinds.find((each) => Object.hasOwn(adviceByKind, each));
  const what = kinds.includes('answered') ? 'could do it' : 'answered';
  return {
    exit: 'noAnswer',
    message: sentence(`No controller ${what} ${parts.join('; ')}`),
    advice: (kind === undefined ? undefined : adviceByKind[kind]) ?? startAdvice,
  };
}

const startAdvice = 'Is it running? Start a local cluster with ottla dev, or name yours with --endpoints.';

function describeProblem(error: OttlaError): Failure {
  return {
    exit: exitOf(error),
    message: `${sentence(error.problem.detail)} (${error.code})`,
    advice: adviceByCode[error.code] ?? errorCatalogueAdvice(error),
  };
}

function errorCatalogueAdvice(error: OttlaError): string {
  if (error.retryable) return 'Try again in a moment.';
  if (Object.hasOwn(brokerErrors, error.code)) return 'Correct what the message names.';
  return isErrorCode(error.code)
    ? errorCatalogue[error.code].remedy
    : 'The server is newer than this command.';
}

const exitByStatus: Readonly<Record<number, ExitName>> = {
  400: 'refused',
  401: 'notAllowed',
  403: 'notAllowed',
  404: 'notFound',
  409: 'conflict',
  410: 'notFound',
  412: 'conflict',
  413: 'refused',
  422: 'refused',
  429: 'noAnswer',
  503: 'noAnswer',
  504: 'noAnswer',
  507: 'noAnswer',
};

function exitOf(error: OttlaError): ExitName {
  return exitByStatus[error.status] ?? 'failure';
}

/** Ends a text as a sentence does. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?)]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

export function exitNumber(exit: ExitName): number {
  return exitCodes[exit].code;
}
