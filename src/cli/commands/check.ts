import { Option, type Command } from 'commander';
import {
  endpointsOf,
  positiveInteger,
  withClient,
  withClusterOptions,
  type CliDependencies,
  type ClusterOptions,
} from '../context.ts';
import { measureLoad } from '../check/load.ts';
import {
  findShortfalls,
  type Latencies,
  type LoadName,
  loadProfiles,
  type Measurement,
} from '../check/verdict.ts';
import { CliFailure } from '../failures.ts';
import { show } from '../output/forms.ts';
import { renderTable, type Column } from '../output/table.ts';
import { style, type Terminal } from '../output/terminal.ts';

type PerfOptions = ClusterOptions & { readonly load: LoadName; readonly seconds: string };

const secondsMax = 600;

export function addCheckCommands(program: Command, dependencies: CliDependencies): void {
  const check = program.command('check').description('Try whether a cluster is as it should be.');
  withClusterOptions(check.command('perf'), dependencies.environment)
    .description('Put a bounded load on the cluster, and say how quickly it answers.')
    .addOption(
      new Option('--load <size>', 'how much is asked of it')
        .choices(Object.keys(loadProfiles))
        .default('small'),
    )
    .option('--seconds <number>', `for how long, at most ${secondsMax}`, '20')
    .addHelpText('after', loadHelp())
    .action((options: PerfOptions) => checkPerformance(options, dependencies));
}

function loadHelp(): string {
  const lines = Object.entries(loadProfiles).map(
    ([name, { writesPerSecond, write90thMaxMs, write99thMaxMs }]) =>
      `  ${name.padEnd(7)}${writesPerSecond} writes and as many reads a second; nine writes of ten within ${write90thMaxMs} ms, 99 of 100 within ${write99thMaxMs} ms`,
  );
  return `
A write opens a session or closes one, and is on the disks of a majority when it is answered. They are all
closed at the end; where that fails, they run out after ten seconds.
It needs the role operator. The load adds to what the cluster has to do: mind that on one at work.
${lines.join('\n')}`;
}

async function checkPerformance(options: PerfOptions, { terminal }: CliDependencies): Promise<void> {
  const profile = loadProfiles[options.load];
  const seconds = positiveInteger(options.seconds, '--seconds');
  if (seconds > secondsMax) {
    throw new CliFailure('usage', `--seconds ${seconds} is too long.`, `Give at most ${secondsMax}.`);
  }
  const measured = await withClient(options, endpointsOf(options), async (client) => {
    // Asked for first: whoever reaches nobody is told so, and not that the cluster is slow.
    await client.describeIdempotency();
    return await measureLoad(client, profile, seconds, progressBar(terminal, seconds));
  });
  if (terminal.isWatched === true) terminal.err('\r\u001B[K');
  const shortfalls = findShortfalls(profile, measured);
  const verdict = shortfalls.length === 0 ? 'pass' : 'fail';
  const answer = { load: options.load, ...profile, ...measured, verdict, shortfalls };
  await show(terminal, options.output, answer, () => resultText(measured, verdict, terminal));
  if (shortfalls.length === 0) return;
  throw new CliFailure('checkFailed', shortfalls.join(' '), 'See how the controllers are with: ottla top');
}

/** Where a person looks; a pipe gets the result alone. */
function progressBar(terminal: Terminal, seconds: number): (share: number) => void {
  let shown = -1;
  return (share) => {
    const second = Math.floor(share * seconds);
    if (terminal.isWatched !== true || second === shown) return;
    shown = second;
    terminal.err(`\r${second} of ${seconds} s`);
  };
}

type ResultRow = Latencies & { readonly kind: string };

const columns: readonly Column<ResultRow>[] = [
  { heading: '', cell: (row) => row.kind },
  { heading: 'SERVED', cell: (row) => row.count, align: 'right' },
  { heading: 'MEDIAN', cell: (row) => msText(row.medianMs), align: 'right' },
  { heading: '90 %', cell: (row) => msText(row.percentile90Ms), align: 'right' },
  { heading: '99 %', cell: (row) => msText(row.percentile99Ms), align: 'right' },
  { heading: 'SLOWEST', cell: (row) => msText(row.maxMs), align: 'right' },
];

function msText(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

function resultText(measured: Measurement, verdict: 'pass' | 'fail', terminal: Terminal): string {
  const rows = [
    { kind: 'writes', ...measured.writes },
    { kind: 'reads', ...measured.reads },
  ];
  const table = renderTable(columns, rows, (heading) => style(terminal, 'bold', heading));
  const word = verdict === 'pass' ? style(terminal, 'green', 'PASS') : style(terminal, 'red', 'FAIL');
  return `${measured.planned} writes and ${measured.planned} reads in ${measured.seconds} s\n\n${table}\n${word}\n`;
}
