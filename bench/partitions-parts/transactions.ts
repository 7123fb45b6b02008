import type { Controller } from '../processes/controller.ts';
import type { ReportRow } from '../report.ts';
import { readProcess } from './meter.ts';
import { createTopics, topicSizes } from './topics.ts';

/** As long as a controller gives any request. */
const longMs = 60_000;

/** Ten thousand topics created by one request, all partitions of a cluster deleted by another: each all or nothing. */
export async function measureTransactions(leader: Controller, partitions: number): Promise<ReportRow> {
  const creations = Array.from({ length: 10_000 }, (_, at) => ({
    operationId: 'createTopic',
    body: { name: `t-${at}`, partitions: 1 },
  }));
  const created = await execute(leader, creations);
  const sizes = topicSizes(partitions, 100_000);
  await createTopics(leader, 'large', sizes, null);
  const deletions = sizes.map((_, at) => ({
    operationId: 'deleteTopic',
    params: { topic: `large-${at}` },
  }));
  const deleted = await execute(leader, deletions);
  const row = {
    topicsCreatedTogether: creations.length,
    creationSeconds: created.seconds,
    longestStallCreatingMs: created.longestStallMs,
    partitionsDeletedTogether: partitions,
    deletionSeconds: deleted.seconds,
    longestStallDeletingMs: deleted.longestStallMs,
  };
  console.log(row);
  return row;
}

type Figures = { readonly seconds: number; readonly longestStallMs: number };

async function execute(leader: Controller, operations: readonly object[]): Promise<Figures> {
  await readProcess(leader);
  const startMs = performance.now();
  const { status, text } = await leader.ask('POST', `/v1/transactions?timeout_ms=${longMs}`, {
    body: { operations },
    timeoutMs: 2 * longMs,
  });
  if (status !== 200) throw new Error(`the transaction is answered ${status}: ${text}`);
  const seconds = Math.round(performance.now() - startMs) / 1_000;
  const { longestStallMs } = await readProcess(leader);
  return { seconds, longestStallMs: Math.round(longestStallMs) };
}
