import type { FastifyInstance } from 'fastify';
import { assert } from '../../base/assert.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { splitRecordBatches } from '../../codec/record-batch/batches.ts';
import type { BrokerNode } from '../broker-node.ts';
import {
  encodeCommit,
  isCommit,
  offsetsTopic,
  offsetsTopicPartitions,
  partitionOfGroup,
} from '../group-offsets.ts';
import type { Partition } from '../partition.ts';
import { type BrokerProblem, sendProblem } from '../problems.ts';
import { append, problemOfAnswer } from './produce.ts';
import { findLed, type RouteContext } from './route-context.ts';

const commitTimeoutMs = 5_000;
const groupLengthMax = 249;

/** `GET` and `PUT /v1/groups/{group}/offsets`, answered by whoever leads the group's partition. */
export function addGroupOffsetsRoutes(app: FastifyInstance, context: RouteContext): void {
  app.get<{ Params: { group: string } }>('/v1/groups/:group/offsets', async (request, reply) => {
    const { group } = request.params;
    const found = findCoordinating(context.node(), group);
    const read = found.ok ? await context.node().groupOffsets.read(found.value, group) : found;
    if (!read.ok) sendProblem(reply, ofCoordinator(read.error));
    else reply.type('application/json').send(JSON.stringify({ group, offsets: read.value }));
    return reply;
  });
  app.put<{ Params: { group: string } }>('/v1/groups/:group/offsets', async (request, reply) => {
    const { group } = request.params;
    const committed = await commit(context, group, request.body);
    if (!committed.ok) sendProblem(reply, committed.error);
    else reply.type('application/json').send(JSON.stringify({ group }));
    return reply;
  });
}

async function commit(
  context: RouteContext,
  group: string,
  body: unknown,
): Promise<Result<null, BrokerProblem>> {
  if (!isCommit(body)) {
    const message = 'The body must be {"offsets": [{"topic", "partition", "offset", "metadata"}]}.';
    return failed({ code: 'INVALID_REQUEST', message });
  }
  const found = findCoordinating(context.node(), group);
  if (!found.ok) return found;
  const split = splitRecordBatches(encodeCommit(group, body.offsets, context.wallMs()));
  assert(split.ok, 'a batch of our own can be read');
  const [batch] = split.value;
  assert(batch !== undefined, 'a commit has offsets');
  const answer = await append(context, found.value, batch, { acks: 'all', timeoutMs: commitTimeoutMs });
  const problem = problemOfAnswer(context, found.value, answer, commitTimeoutMs);
  return problem === null ? ok(null) : failed(ofCoordinator(problem));
}

/** The topic is made when somebody first asks for it. */
function findCoordinating(node: BrokerNode, group: string): Result<Partition, BrokerProblem> {
  if (group.length === 0 || group.length > groupLengthMax) {
    const message = `A group’s name has 1 to ${groupLengthMax} characters.`;
    return failed({ code: 'INVALID_REQUEST', message });
  }
  const count = node.partitionCount(offsetsTopic);
  if (count === 0) {
    node.createOffsetsTopic(offsetsTopic, offsetsTopicPartitions);
    const message = `The topic ${offsetsTopic} is not there yet. It is made once there are ${node.settings.offsetsTopicReplicationFactor} brokers. Ask again.`;
    return failed({ code: 'COORDINATOR_NOT_AVAILABLE', message, retryAfterMs: 200 });
  }
  const partition = partitionOfGroup(group, count);
  const found = findLed(node, { topic: offsetsTopic, partition: String(partition) });
  return found.ok ? found : failed(ofCoordinator(found.error));
}

/** Whoever leads the partition keeps the offsets. */
function ofCoordinator(problem: BrokerProblem): BrokerProblem {
  if (problem.code !== 'NOT_LEADER_OR_FOLLOWER') return problem;
  return { ...problem, code: 'NOT_COORDINATOR', message: `${problem.message} It keeps the group’s offsets.` };
}
