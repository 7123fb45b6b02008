import { operationTexts } from '../quorum-parts/workload.ts';
import type { ReportRow } from '../report.ts';
import { count, enumerate, milliseconds, seconds, table } from './format.ts';
import { numberOf, type Results } from './results.ts';

const outstandingCounts = [1, 16, 64, 256];
/** Differences of less than this part come and go between two runs. */
const likeness = 0.05;

/** What was measured with each number of outstanding requests, in that order. */
type Series = { readonly name: string; readonly rows: readonly ReportRow[] };

export function quorumFigures(quorum: Results): string {
  const leaderKilled = 'SIGKILL of the leader → next committed write';
  const leaderStopped = 'SIGSTOP of the leader → next committed write';
  const brokerKilled = 'SIGKILL of a broker that leads 1000 partitions → all led again';
  const sessionMs = numberOf(quorum.row({ measure: brokerKilled }), 'sessionTimeoutMs');
  const losses = [
    lossRow(quorum, leaderKilled, 'the leader, by `kill -9`', 'the next committed write'),
    lossRow(quorum, leaderStopped, 'the leader, by SIGSTOP', 'the next committed write'),
    lossRow(
      quorum,
      brokerKilled,
      `a broker that leads 1,000 partitions (session ${sessionMs / 1_000} s)`,
      'all are led again',
    ),
  ];
  return `\`npm run bench -- quorum\` (${quorum.when}): durable writes, default settings. \`createTopic\` with one partition is three
records:

${seriesTable([seriesOf(quorum, operationTexts.createTopic, 'HTTP'), seriesOf(quorum, operationTexts.createTopic, 'SDK')])}

${table(['what is lost', 'until', 'median', 'maximum'], losses)}`;
}

/** The write of ours that is most like a put, beside etcd's puts. */
export function peerFigures(quorum: Results, peers: Results): string {
  if (quorum.machine !== peers.machine)
    throw new Error('these were measured on two machines: nothing to compare');
  const http = seriesOf(quorum, operationTexts.amendBroker, 'HTTP');
  const sdk = seriesOf(quorum, operationTexts.amendBroker, 'SDK');
  const [first] = peers.rows;
  const operation = String(first?.['operation']);
  const etcd = seriesOf(peers, operation, 'HTTP');
  return `\`npm run bench -- peers\` (${peers.when}): ${operation}, three members with their default settings on the same machine, asked
over HTTP by the client that the HTTP rows are measured with. Beside it the write of ours that is most like it, one record of a like
size: ${operationTexts.amendBroker}.

${seriesTable([http, sdk, { ...etcd, name: operation.replace(/ put.*/, '') }])}

Ottla beside etcd, by the number of outstanding requests; as fast means within ${likeness * 100} %:

- Writes a second: over HTTP ${compare(http, etcd, 'writesPerSecond')}; by the SDK ${compare(sdk, etcd, 'writesPerSecond')}.
- p50: over HTTP ${compare(http, etcd, 'latencyP50Ms')}; by the SDK ${compare(sdk, etcd, 'latencyP50Ms')}.
- p99: over HTTP ${compare(http, etcd, 'latencyP99Ms')}; by the SDK ${compare(sdk, etcd, 'latencyP99Ms')}.

The SDK sends the writes of a moment together in one request, which etcd's client here does not: only the HTTP rows compare like with
like.`;
}

function seriesOf(results: Results, operation: string, client: string): Series {
  const rows = outstandingCounts.map((outstandingCount) =>
    results.row({ measure: 'writes', operation, client, outstandingCount }),
  );
  const failed = rows.find((row) => numberOf(row, 'failedCount') > 0);
  if (failed !== undefined)
    throw new Error(`writes failed, so these are no figures: ${JSON.stringify(failed)}`);
  return { name: client, rows };
}

function seriesTable(all: readonly Series[]): string {
  const rates = all.map(({ name, rows }) => [
    `${name}, writes a second`,
    ...rows.map((row) => count(numberOf(row, 'writesPerSecond'))),
  ]);
  const latencies = all.map(({ name, rows }) => [
    `${name}, p50 / p99 ms`,
    ...rows.map((row) =>
      ['latencyP50Ms', 'latencyP99Ms'].map((field) => milliseconds(numberOf(row, field))).join(' / '),
    ),
  ]);
  return table(['outstanding', ...outstandingCounts.map(String)], [...rates, ...latencies]);
}

/** For example: `faster with 16 and 64, slower with 1`. */
function compare(ours: Series, theirs: Series, field: string): string {
  const verdicts = outstandingCounts.map((_, at) =>
    verdict(ours.rows[at] ?? {}, theirs.rows[at] ?? {}, field),
  );
  const parts = (['faster', 'as fast', 'slower'] as const).flatMap((word) => {
    const counts = outstandingCounts.filter((_, at) => verdicts[at] === word);
    return counts.length === 0 ? [] : [`${word} with ${enumerate(counts.map(String))}`];
  });
  return parts.join(', ');
}

function verdict(ours: ReportRow, theirs: ReportRow, field: string): 'faster' | 'slower' | 'as fast' {
  const ratio = numberOf(ours, field) / numberOf(theirs, field);
  const advantage = field.endsWith('Ms') ? 1 / ratio : ratio;
  if (Math.abs(advantage - 1) < likeness) return 'as fast';
  return advantage > 1 ? 'faster' : 'slower';
}

function lossRow(quorum: Results, measure: string, what: string, until: string): readonly string[] {
  const row = quorum.row({ measure });
  const cell = (field: string): string => duration(numberOf(row, field));
  return [what, until, cell('medianMs'), cell('maximumMs')];
}

function duration(valueMs: number): string {
  return valueMs < 1_000 ? `${milliseconds(valueMs)} ms` : seconds(valueMs);
}
