import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { failed, ok, type Result } from '../../base/result.ts';
import { decodeRecordBatchHeader, recordBatchEndOffset } from '../../codec/record-batch/header.ts';
import { type DecodedRecordBatch, decodeRecordBatch } from '../../codec/record-batch/records.ts';
import { showRecord } from '../json-records.ts';
import type { Partition } from '../partition.ts';
import { type BrokerProblem, sendProblem } from '../problems.ts';
import { readBatches } from '../read-batches.ts';
import { type Fields, findLed, integerOf, type RouteContext, untilNews } from './route-context.ts';

const bytesDefault = 1_048_576;
/** The numbers of an answer whose body is batches. */
const numberHeaders = {
  highWatermark: 'ottla-high-watermark',
  logStartOffset: 'ottla-log-start-offset',
  nextOffset: 'ottla-next-offset',
  leaderEpoch: 'ottla-leader-epoch',
} as const;

/** What a consumer may see of a partition: `GET …/records?offset=&max_bytes=&max_wait_ms=` and `GET …/offsets`. */
export function addConsumeRoutes(app: FastifyInstance, context: RouteContext): void {
  app.get('/v1/topics/:topic/partitions/:partition/records', async (request, reply) => {
    const seen = await consume(context, request);
    if (!seen.ok) sendProblem(reply, seen.error);
    else if (request.headers.accept?.includes('application/octet-stream')) sendBytes(reply, seen.value);
    else sendRecords(reply, seen.value);
    return reply;
  });
  app.get('/v1/topics/:topic/partitions/:partition/offsets', (request, reply) => {
    const found = findLed(context.node(), request.params as Fields);
    const visible = found.ok ? visibleEnd(found.value) : found;
    if (!found.ok || !visible.ok) {
      sendProblem(reply, found.ok ? hidden : found.error);
      return;
    }
    const { logStartOffset, replica } = found.value;
    const { logEndOffset, leaderEpoch } = replica;
    reply.type('application/json');
    reply.send(JSON.stringify({ logStartOffset, highWatermark: visible.value, logEndOffset, leaderEpoch }));
  });
}

/** Batches from the one that holds `offset` on, and the numbers as of the moment in which they were given. */
type Seen = {
  readonly offset: number;
  readonly batches: readonly Uint8Array[];
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly leaderEpoch: number;
};

const hidden: BrokerProblem = {
  code: 'OFFSET_NOT_AVAILABLE',
  message: 'The leader is new and does not know yet up to where the records are committed. Ask again.',
  retryAfterMs: 100,
};

async function consume(context: RouteContext, request: FastifyRequest): Promise<Result<Seen, BrokerProblem>> {
  const node = context.node();
  const query = request.query as Fields;
  const offset = integerOf(query, 'offset', { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (!offset.ok) return offset;
  const { fetchBytesMax, consumerWaitMaxMs } = node.settings;
  const bytesFallback = Math.min(bytesDefault, fetchBytesMax);
  const bytesMax = integerOf(query, 'max_bytes', { min: 0, max: 2 ** 31 - 1, fallback: bytesFallback });
  if (!bytesMax.ok) return bytesMax;
  const waitMs = integerOf(query, 'max_wait_ms', { min: 0, max: consumerWaitMaxMs, fallback: 0 });
  if (!waitMs.ok) return waitMs;
  const untilMs = node.clock.monotonicMs() + waitMs.value;
  for (;;) {
    const found = findLed(node, request.params as Fields);
    if (!found.ok) return found;
    const seen = await look(found.value, offset.value, Math.min(bytesMax.value, fetchBytesMax));
    const leftMs = untilMs - node.clock.monotonicMs();
    const isOver = leftMs <= 0 || context.closing.aborted;
    if (!seen.ok || seen.value.batches.length > 0 || isOver) return seen;
    await untilNews(found.value, leftMs, context);
  }
}

async function look(
  partition: Partition,
  offset: number,
  bytesMax: number,
): Promise<Result<Seen, BrokerProblem>> {
  const visible = visibleEnd(partition);
  if (!visible.ok) return visible;
  const { logEndOffset, leaderEpoch } = partition.replica;
  if (offset < partition.logStartOffset || offset > logEndOffset)
    return failed(outOfRange(partition, offset));
  const isThere = offset < visible.value;
  const read = isThere ? await readBatches(partition, offset, visible.value, bytesMax) : ok([]);
  if (!read.ok) {
    const { code, message } = read.error;
    return failed(code === 'OFFSET_OUT_OF_RANGE' ? outOfRange(partition, offset) : { code, message });
  }
  // It took a while: without a lease, or under another leader epoch, nothing is shown (lease-looked-at).
  const now = visibleEnd(partition);
  if (!now.ok) return now;
  if (partition.replica.leaderEpoch !== leaderEpoch) return failed(hidden);
  const { logStartOffset } = partition;
  return ok({ offset, batches: read.value, highWatermark: now.value, logStartOffset, leaderEpoch });
}

function visibleEnd(partition: Partition): Result<number, BrokerProblem> {
  const { visibleEndOffset } = partition;
  return visibleEndOffset === null ? failed(hidden) : ok(visibleEndOffset);
}

function outOfRange({ logStartOffset, replica }: Partition, offset: number): BrokerProblem {
  const { highWatermark } = replica;
  return {
    code: 'OFFSET_OUT_OF_RANGE',
    message: `Offset ${offset} is not between ${logStartOffset} and ${highWatermark}.`,
    details: { logStartOffset, highWatermark },
  };
}

function sendBytes(reply: FastifyReply, seen: Seen): void {
  const { highWatermark, logStartOffset, leaderEpoch } = seen;
  const numbers = { highWatermark, logStartOffset, leaderEpoch, nextOffset: nextOffsetOf(seen) };
  for (const [name, header] of Object.entries(numberHeaders)) {
    reply.header(header, numbers[name as keyof typeof numbers]);
  }
  reply.type('application/octet-stream').send(Buffer.concat(seen.batches));
}

function nextOffsetOf({ batches, offset }: Seen): number {
  const last = batches.at(-1);
  const header = last === undefined ? null : decodeRecordBatchHeader(last);
  return header?.ok === true ? recordBatchEndOffset(header.value) : offset;
}

function sendRecords(reply: FastifyReply, seen: Seen): void {
  const decoded: DecodedRecordBatch[] = [];
  for (const batch of seen.batches) {
    const read = decodeRecordBatch(batch);
    if (!read.ok) {
      // What comes before it can be shown; it itself only as bytes.
      if (decoded.length > 0) break;
      sendProblem(reply, read.error);
      return;
    }
    decoded.push(read.value);
  }
  const last = decoded.at(-1);
  const records = decoded
    .flatMap((batch) => batch.records)
    .filter(({ offset }) => offset >= seen.offset)
    .map(showRecord);
  const { highWatermark, logStartOffset } = seen;
  const nextOffset = last === undefined ? seen.offset : recordBatchEndOffset(last.header);
  reply.type('application/json');
  reply.send(JSON.stringify({ records, highWatermark, logStartOffset, nextOffset }));
}
