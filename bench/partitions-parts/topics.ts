import type { Controller } from '../processes/controller.ts';

/** Requests under way at a time. */
const lanes = 4;
const timeoutMs = 120_000;

/** How `partitions` are spread over topics of at most `perTopic` each. */
export function topicSizes(partitions: number, perTopic: number): readonly number[] {
  const whole = Math.floor(partitions / perTopic);
  const rest = partitions % perTopic;
  return [...Array.from({ length: whole }, () => perTopic), ...(rest === 0 ? [] : [rest])];
}

/** Topics `<prefix>-0`, `<prefix>-1`, …: their replicas are `replicas`, or placed by the controller where null. */
export async function createTopics(
  leader: Controller,
  prefix: string,
  sizes: readonly number[],
  replicas: readonly number[] | null,
): Promise<void> {
  await inLanes(sizes.length, async (at) => {
    const size = sizes[at] ?? 0;
    const placed =
      replicas === null
        ? { partitions: size, replicationFactor: 3 }
        : { assignments: Array.from({ length: size }, () => replicas) };
    const body = { name: `${prefix}-${at}`, ...placed };
    const answer = await leader.ask('POST', '/v1/topics', { body, timeoutMs });
    if (answer.status !== 201) throw new Error(`${body.name} was not created: ${answer.text}`);
  });
}

export async function deleteTopics(leader: Controller, prefix: string, count: number): Promise<void> {
  await inLanes(count, async (at) => {
    const answer = await leader.ask('DELETE', `/v1/topics/${prefix}-${at}`, { timeoutMs });
    if (answer.status !== 200) throw new Error(`${prefix}-${at} was not deleted: ${answer.text}`);
  });
}

async function inLanes(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await work(at);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, count) }, lane));
}
