import type { Client } from '../client/create-client.ts';
import { OttlaError } from '../client/errors.ts';
import { CliFailure, describeFailure } from './failures.ts';
import { nearest } from './output/suggest.ts';

/** Topics among which one that was meant is looked for. */
const topicsMax = 1_000;

/** Carries `run` out; where there is no topic of that name, one with a name like it is named. */
export async function orSuggestTopic<Value>(
  client: Client,
  topic: unknown,
  run: () => Promise<Value>,
): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    const isUnknown = error instanceof OttlaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION';
    if (!isUnknown || typeof topic !== 'string') throw error;
    const meant = nearest(topic, await topicNames(client));
    // The topic is there: it is its partition that is not.
    if (meant === null || meant === topic) throw error;
    const { exit, message, advice } = describeFailure(error);
    throw new CliFailure(exit, message, `Did you mean ${meant}? ${advice}`);
  }
}

/** A suggestion is a courtesy: where it cannot be made, the error stands as it is. */
async function topicNames(client: Client): Promise<readonly string[]> {
  try {
    const { topics } = await client.listTopics({ limit: topicsMax }, { timeoutMs: 1_000, attemptsMax: 1 });
    return topics.map(({ name }) => name);
  } catch {
    return [];
  }
}
