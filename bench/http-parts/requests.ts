import type { Controller } from '../processes/controller.ts';
import type { Quorum } from '../processes/quorum.ts';
import type { LeanLanes } from '../quorum-parts/lanes.ts';

/** One kind of request, which many connections send at once. */
export type MeasuredRequest = {
  readonly request: string;
  readonly to: 'leader' | 'follower';
  /** What it gets, where it is a read; another program can be told to get it, too. */
  readonly path: string | null;
  readonly operationsPerRequest: number;
  readonly send: (lanes: LeanLanes, lane: number) => Promise<boolean>;
};

/** The topics that there are before anything is measured. */
export const topicCount = 1000;
const topicName = (number: number): string => `http-${number}`;
const batchSize = 64;
const okStatus = 200;
const createdStatus = 201;

/** Topics without bulk, so that listings are measured at their usual page of a hundred. */
export async function createTopics(leader: Controller): Promise<void> {
  for (let first = 0; first < topicCount; first += batchSize) {
    const numbers = Array.from({ length: Math.min(batchSize, topicCount - first) }, (_, at) => first + at);
    const { status } = await leader.ask('POST', '/v1/batch', {
      body: creationsOf(numbers.map(topicName)),
    });
    if (status !== okStatus) throw new Error(`topics could not be created: status ${status}`);
  }
}

/** Reads of each consistency from the leader and from a follower, which passes linearizable ones on; and writes. */
export function measuredRequests(): readonly MeasuredRequest[] {
  const one = `/v1/topics/${topicName(7)}`;
  return [
    get('one topic, linearizable', 'leader', one),
    get('one topic, stale', 'leader', `${one}?consistency=stale`),
    get('one topic, linearizable', 'follower', one),
    get('one topic, stale', 'follower', `${one}?consistency=stale`),
    get('a page of 100 topics, stale', 'leader', '/v1/topics?consistency=stale'),
    get('liveness', 'leader', '/livez'),
    get('metrics', 'leader', '/metrics'),
    creation('one topic created', 'leader'),
    creation('one topic created', 'follower'),
    batch('leader'),
  ];
}

export function targetOf(quorum: Quorum, leader: Controller, { to }: MeasuredRequest): Controller {
  const follower = quorum.others(leader)[0];
  if (to === 'leader' || follower === undefined) return leader;
  return follower;
}

function get(request: string, to: MeasuredRequest['to'], path: string): MeasuredRequest {
  return { request, to, path, operationsPerRequest: 1, send: (lanes, lane) => lanes.get(lane, path) };
}

let created = 0;

function nextName(): string {
  created += 1;
  return `created-${created}`;
}

function creation(request: string, to: MeasuredRequest['to']): MeasuredRequest {
  return {
    request,
    to,
    path: null,
    operationsPerRequest: 1,
    send: (lanes, lane) =>
      lanes.post(lane, '/v1/topics', JSON.stringify(creationOf(nextName())), createdStatus),
  };
}

function batch(to: MeasuredRequest['to']): MeasuredRequest {
  return {
    request: `${batchSize} topics created in one batch`,
    to,
    path: null,
    operationsPerRequest: batchSize,
    send: (lanes, lane) => {
      const names = Array.from({ length: batchSize }, nextName);
      return lanes.post(lane, '/v1/batch', JSON.stringify(creationsOf(names)), okStatus);
    },
  };
}

function creationOf(name: string): object {
  return { name, partitions: 1, replicationFactor: 1 };
}

function creationsOf(names: readonly string[]): object {
  const operations = names.map((name) => ({
    operationId: 'createTopic',
    params: {},
    body: creationOf(name),
  }));
  return { operations };
}
