import type { Client } from '../client/create-client.ts';
import type { ConnectionFailure } from '../client/connection-failure.ts';
import { NoAnswerError, OttlaError } from '../client/errors.ts';
import { endpointsOf, withClient, type ClusterOptions } from './context.ts';
import { CliFailure, describeFailure, describeSilence } from './failures.ts';

/** What one endpoint said, or why it did not say what it was asked. */
export type EndpointAnswer<Value> = { readonly endpoint: string; readonly answer: Value } | EndpointFailure;

type EndpointFailure = {
  readonly endpoint: string;
  readonly failure: ConnectionFailure;
  /** With what it answered instead; null when it did not answer at all. */
  readonly refusal: OttlaError | null;
};

/** Asks each endpoint by itself, all at once: a dead one must not hide what the others say. */
export async function askEach<Value>(
  options: ClusterOptions,
  ask: (client: Client) => Promise<Value>,
): Promise<readonly EndpointAnswer<Value>[]> {
  return await Promise.all(
    endpointsOf(options).map((endpoint) =>
      withClient(options, [endpoint], async (client): Promise<EndpointAnswer<Value>> => {
        try {
          return { endpoint, answer: await ask(client) };
        } catch (error) {
          const refusal = error instanceof OttlaError ? error : null;
          return { endpoint, failure: failureOf(error), refusal };
        }
      }),
    ),
  );
}

/** Why this one endpoint gave no answer; an error of the command line is no such reason. */
function failureOf(error: unknown): ConnectionFailure {
  const own = error instanceof NoAnswerError ? error.outcomes[0]?.failure : undefined;
  if (own !== undefined && own !== null) return own;
  const described = describeFailure(error);
  if (described.exit === 'usage') throw error;
  const kind = error instanceof OttlaError ? 'answered' : 'other';
  return { kind, reason: described.message.replace(/\.$/, '') };
}

/** In a cell of a table, where the whole of a refusal would push all else out of sight. */
export function briefly({ failure, refusal }: EndpointFailure): string {
  return refusal === null ? `no answer: ${failure.reason}` : `refused: ${refusal.code}`;
}

/** Who asks is let in nowhere: the first refusal of those who answered; null when one refused something else. */
export function findLockout(asked: readonly EndpointAnswer<unknown>[]): OttlaError | null {
  const refusals = asked.flatMap((each) => ('answer' in each || each.refusal === null ? [] : [each.refusal]));
  const isLockedOut = refusals.every(({ status }) => status === 401 || status === 403);
  return isLockedOut && answersOf(asked).length === 0 ? (refusals[0] ?? null) : null;
}

export function answersOf<Value>(asked: readonly EndpointAnswer<Value>[]): readonly Value[] {
  return asked.flatMap((each) => ('answer' in each ? [each.answer] : []));
}

/** The failure of a command that nobody answered: each endpoint with its own reason, or why none lets one in. */
export function nobodyAnswers(asked: readonly EndpointAnswer<unknown>[]): CliFailure {
  const lockout = findLockout(asked);
  if (lockout !== null) {
    const { exit, message, advice } = describeFailure(lockout);
    return new CliFailure(exit, message, advice);
  }
  const outcomes = asked.map((each) => ({
    endpoint: each.endpoint,
    failure: 'failure' in each ? each.failure : null,
  }));
  const { exit, message, advice } = describeSilence(outcomes);
  return new CliFailure(exit, message, advice);
}

/** A node answers of itself from memory: one that takes longer is as good as gone. */
export const ownAnswerOptions = { timeoutMs: 1_500, attemptsMax: 1 } as const;
