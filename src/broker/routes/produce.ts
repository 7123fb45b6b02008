import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { failed, ok, type Result } from '../../base/result.ts';
import { type PlacedRecordBatch, splitRecordBatches } from '../../codec/record-batch/batches.ts';
import type { RecordBatchError } from '../../codec/record-batch/errors.ts';
import { findProduceError, recordBatchBytesMax } from '../../codec/record-batch/header.ts';
import { decodeRecordBatch, encodeRecordBatch } from '../../codec/record-batch/records.ts';
import { readJsonRecords } from '../json-records.ts';
import type { Acknowledgement, Partition, ProduceAnswer, Produced } from '../partition.ts';
import { type BrokerProblem, sendProblem } from '../problems.ts';
import { type Fields, findLed, integerOf, notLeading, type RouteContext } from './route-context.ts';

const timeoutDefaultMs = 30_000;
const timeoutMaxMs = 600_000;

/** `POST /v1/topics/{topic}/partitions/{partition}/records?acks=all|1|0&timeout_ms=` */
export function addProduceRoute(app: FastifyInstance, context: RouteContext): void {
  app.post('/v1/topics/:topic/partitions/:partition/records', async (request, reply) => {
    const produced = await produce(context, request);
    if (!produced.ok) sendProblem(reply, produced.error);
    else sendProduced(reply, produced.value);
    return reply;
  });
}

function sendProduced(reply: FastifyReply, produced: Produced | 'not waited for'): void {
  const isKnown = produced !== 'not waited for';
  reply.code(isKnown ? 200 : 202).type('application/json');
  reply.send(JSON.stringify(isKnown ? produced : {}));
}

type Outcome = Result<Produced | 'not waited for', BrokerProblem>;

async function produce(context: RouteContext, request: FastifyRequest): Promise<Outcome> {
  const query = request.query as Fields;
  const acks = readAcks(query['acks']);
  if (!acks.ok) return acks;
  const timeoutMs = integerOf(query, 'timeout_ms', { min: 1, max: timeoutMaxMs, fallback: timeoutDefaultMs });
  if (!timeoutMs.ok) return timeoutMs;
  const read = readBatch(request.body, context.wallMs());
  if (!read.ok) return read;
  const node = context.node();
  const found = findLed(node, request.params as Fields);
  if (!found.ok) return found;
  const partition = found.value;
  const bytes = read.value.header.sizeInBytes;
  if (bytes > partition.settings.batchBytesMax) {
    const message = `The batch has ${bytes} bytes; max.message.bytes of the topic is ${partition.settings.batchBytesMax}.`;
    return failed({ code: 'MESSAGE_TOO_LARGE', message });
  }
  if (context.pending.bytes + bytes > node.settings.pendingProduceBytesMax) {
    const message = 'Too many records wait for their acknowledgement at this broker. Nothing was appended.';
    return failed({ code: 'THROTTLING_QUOTA_EXCEEDED', message, retryAfterMs: 100 });
  }
  const demands = { acks: acks.value, timeoutMs: timeoutMs.value };
  const answer = await append(context, partition, read.value, demands);
  const problem = problemOfAnswer(context, partition, answer, timeoutMs.value);
  if (problem !== null) return failed(problem);
  return ok(typeof answer === 'object' && answer.ok ? answer.value : 'not waited for');
}

type AppendAnswer = ProduceAnswer | 'timed out' | 'not waited for';

/** Null where nothing went wrong. */
export function problemOfAnswer(
  context: RouteContext,
  partition: Partition,
  answer: AppendAnswer,
  timeoutMs: number,
): BrokerProblem | null {
  if (answer === 'not waited for') return null;
  if (answer === 'timed out') return timedOut(timeoutMs);
  return answer.ok ? null : problemOfRefusal(context, partition, answer.error);
}

export function append(
  { pending, node }: RouteContext,
  partition: Partition,
  batch: PlacedRecordBatch,
  { acks, timeoutMs }: { readonly acks: Acknowledgement | 'none'; readonly timeoutMs: number },
): Promise<AppendAnswer> {
  const bytes = batch.header.sizeInBytes;
  pending.bytes += bytes;
  return new Promise((resolve) => {
    const timer = node().clock.setTimer(timeoutMs, () => resolve('timed out'));
    // It is called once, however late, so that what the replica still holds is counted for as long as it does.
    partition.produce(batch, acks === 'all' ? 'all' : 'leader', (answer) => {
      pending.bytes -= bytes;
      timer.cancel();
      resolve(answer);
    });
    if (acks === 'none') {
      timer.cancel();
      resolve('not waited for');
    }
  });
}

function readAcks(given: unknown): Result<Acknowledgement | 'none', BrokerProblem> {
  if (given === undefined || given === 'all' || given === '-1') return ok('all');
  if (given === '1') return ok('leader');
  if (given === '0') return ok('none');
  return failed({ code: 'INVALID_REQUEST', message: "'acks' must be all, 1 or 0." });
}

/** One batch, whichever form it comes in, that may stand in a log. */
function readBatch(body: unknown, nowMs: number): Result<PlacedRecordBatch, BrokerProblem> {
  const bytes = Buffer.isBuffer(body) ? ok(body) : encoded(body, nowMs);
  if (!bytes.ok) return bytes;
  const split = splitRecordBatches(bytes.value);
  if (!split.ok) return failed(split.error);
  const [batch, ...more] = split.value;
  if (batch === undefined || more.length > 0) {
    // As Kafka: a request that is appended in part could not be answered.
    return failed({ code: 'INVALID_RECORD', message: 'A request has one batch for a partition.' });
  }
  const error = findProduceError(batch.header) ?? findRecordError(batch);
  return error === null ? ok(batch) : failed(error);
}

function findRecordError({ bytes }: PlacedRecordBatch): RecordBatchError | null {
  const decoded = decodeRecordBatch(bytes);
  // What this broker cannot look into is stored as it came, for consumers that can.
  return decoded.ok || decoded.error.code === 'UNSUPPORTED_COMPRESSION_TYPE' ? null : decoded.error;
}

function encoded(body: unknown, nowMs: number): Result<Buffer, BrokerProblem> {
  const read = readJsonRecords(body, nowMs);
  if (!read.ok) return failed({ code: 'INVALID_REQUEST', message: read.error });
  const { records, producer } = read.value;
  const bytes = records.reduce((total, each) => total + roughBytes(each), 0);
  if (bytes > recordBatchBytesMax / 2) {
    return failed({
      code: 'MESSAGE_TOO_LARGE',
      message: `Records of ${bytes} bytes are too many for a batch.`,
    });
  }
  return ok(encodeRecordBatch(producer === null ? { records } : { records, producer }));
}

/** More than the record takes without its headers. */
function roughBytes({
  key,
  value,
  headers,
}: Parameters<typeof encodeRecordBatch>[0]['records'][number]): number {
  const named = headers.reduce(
    (total, each) => total + 20 + 3 * each.key.length + (each.value?.length ?? 0),
    0,
  );
  return 64 + (key?.length ?? 0) + (value?.length ?? 0) + named;
}

function timedOut(timeoutMs: number): BrokerProblem {
  const message = `Not all of the in-sync replicas had the records on disk within ${timeoutMs} ms. They are in the leader’s log, and may be committed yet or not.`;
  return { code: 'REQUEST_TIMED_OUT', message };
}

function problemOfRefusal(
  context: RouteContext,
  partition: Partition,
  error: Extract<ProduceAnswer, { ok: false }>['error'],
): BrokerProblem {
  const name = `${partition.topic} ${partition.partition}`;
  const view = partition.view ?? { leader: -1, leaderEpoch: -1, isr: [], minIsr: 0 };
  switch (error) {
    case 'NOT_LEADER_OR_FOLLOWER':
      return notLeading(context.node(), name, view);
    case 'NOT_ENOUGH_REPLICAS':
      return {
        code: error,
        message: `${name} has ${view.isr.length} replicas in sync, of the ${view.minIsr} that min.insync.replicas demands.`,
      };
    case 'OUTCOME_UNKNOWN':
      return {
        code: error,
        message: `Broker ${context.node().id} stopped leading ${name} after it had appended: the next leader may have the records or not.`,
      };
    case 'REPLICA_NOT_AVAILABLE':
      return { code: error, message: `${name} is reading which batches of producers it holds. Ask again.` };
    case 'OUT_OF_ORDER_SEQUENCE_NUMBER':
    case 'INVALID_PRODUCER_EPOCH':
    case 'UNKNOWN_PRODUCER_ID':
      return {
        code: error,
        message: `The batch’s producer numbers do not follow those in the log of ${name}.`,
      };
  }
}
