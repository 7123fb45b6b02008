import type { Client } from '../client/create-client.ts';
import type { ConnectionFailure } from '../client/connection-failure.ts';
import { NoAnswerError } from '../client/errors.ts';
import { endpointsOf, withClient, type ClusterOptions } from './context.ts';
import { CliFailure, describeFailure, describeSilence } from './failures.ts';

/** What one endpoint said, or why it said nothing. */
export type EndpointAnswer<Value> =
  | { readonly endpoint: string; readonly answer: Value }
  | { readonly endpoint: string; readonly failure: ConnectionFailure };

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
          return { endpoint, failure: failureOf(error) };
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
  return { kind: 'other', reason: described.message.replace(/\.$/, '') };
}

export function answersOf<Value>(asked: readonly EndpointAnswer<Value>[]): readonly Value[] {
  return asked.flatMap((each) => ('answer' in each ? [each.answer] : []));
}

/** The failure of a command that nobody answered: each endpoint with its own reason. */
export function nobodyAnswers(asked: readonly EndpointAnswer<unknown>[]): CliFailure {
  const outcomes = asked.map((each) => ({
    endpoint: each.endpoint,
    failure: 'failure' in each ? each.failure : null,
  }));
  const { exit, message, advice } = describeSilence(outcomes);
  return new CliFailure(exit, message, advice);
}

/** A node answers of itself from memory: one that takes longer is as good as gone. */
export const ownAnswerOptions = { timeoutMs: 1_500, attemptsMax: 1 } as const;
