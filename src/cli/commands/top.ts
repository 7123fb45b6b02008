import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import {
  positiveInteger,
  withClient,
  withClusterOptions,
  type CliDependencies,
  type ClusterOptions,
} from '../context.ts';
import { CliFailure } from '../failures.ts';
import { showEach } from '../output/forms.ts';
import { isQuit, openScreen, type ScreenDevice } from '../screen/screen.ts';
import { signalled } from '../signals.ts';
import { clockText } from '../screen/clock.ts';
import { ratesMax, topLines, topText } from '../top/frame.ts';
import { committedPerSecond, type Sample, takeSample } from '../top/sample.ts';

type TopOptions = ClusterOptions & { readonly interval: string; readonly samples?: string };

export function addTopCommand(program: Command, dependencies: CliDependencies): void {
  withClusterOptions(program.command('top'), dependencies.environment)
    .description('Watch the quorum, its lag, the brokers and the rate of changes; q ends it.')
    .option('--interval <ms>', `how often to look, ${intervalMinMs} at least`, '1000')
    .option('--samples <number>', 'end after so many looks')
    .addHelpText(
      'after',
      '\nWhere it is no terminal that it writes to, or with -o json, it writes one line for each look.',
    )
    .action(async (options: TopOptions) => {
      const intervalMs = readInterval(options.interval);
      const samplesMax =
        options.samples === undefined
          ? Number.POSITIVE_INFINITY
          : positiveInteger(options.samples, '--samples');
      await withClients(options, options.endpoints, [], async (clients) => {
        const samples = looks(clients, intervalMs, samplesMax);
        const { screen } = dependencies;
        if (screen === null || options.output !== 'table') await writeLines(samples, options, dependencies);
        else await drawScreen(samples, screen, dependencies);
      });
    });
}

/** Each look asks every controller: oftener than this it would be a load. */
const intervalMinMs = 100;

function readInterval(text: string): number {
  const intervalMs = positiveInteger(text, '--interval');
  if (intervalMs >= intervalMinMs) return intervalMs;
  throw new CliFailure(
    'usage',
    `--interval ${text} is below ${intervalMinMs} ms.`,
    'Give more, as in --interval 1000.',
  );
}

type Asked = { readonly endpoint: string; readonly client: Client };

/** One client for each endpoint: a dead one must not hide what the others say. */
async function withClients(
  options: ClusterOptions,
  endpoints: readonly string[],
  opened: readonly Asked[],
  use: (clients: readonly Asked[]) => Promise<void>,
): Promise<void> {
  const [endpoint, ...others] = endpoints;
  if (endpoint === undefined) return await use(opened);
  await withClient(options, [endpoint], (client) =>
    withClients(options, others, [...opened, { endpoint, client }], use),
  );
}

type Looks = {
  /** Runs until it is ended, or as many looks are over as were asked for. */
  run(onSample: (sample: Sample, rate: number | null) => Promise<void> | void): Promise<void>;
  end(): void;
};

function looks(clients: readonly Asked[], intervalMs: number, samplesMax: number): Looks {
  let end: () => void = () => {};
  const ended = new Promise<'ended'>((resolve) => {
    end = () => resolve('ended');
  });
  return {
    end: () => end(),
    run: async (onSample) => {
      let before: Sample | null = null;
      for (let taken = 0; taken < samplesMax; taken++) {
        const sample: Sample | 'ended' = await Promise.race([takeSample(clients, Date.now()), ended]);
        if (sample === 'ended') return;
        await onSample(sample, committedPerSecond(before, sample));
        before = sample;
        if (taken + 1 === samplesMax) return;
        const pause = new Promise((resolve) => setTimeout(resolve, intervalMs));
        if ((await Promise.race([pause, ended])) === 'ended') return;
      }
    },
  };
}

async function writeLines(samples: Looks, options: TopOptions, { terminal }: CliDependencies): Promise<void> {
  void signalled().then(() => samples.end());
  await samples.run((sample, rate) =>
    showEach(terminal, options.output, [{ ...sample, committedPerSecond: rate }], () =>
      topText(sample, rate),
    ),
  );
}

async function drawScreen(
  samples: Looks,
  device: ScreenDevice,
  { terminal }: CliDependencies,
): Promise<void> {
  const screen = openScreen(device, terminal.isColoured, (key) => {
    if (isQuit(key)) samples.end();
  });
  void signalled().then(() => samples.end());
  const rates: number[] = [];
  try {
    await samples.run((sample, rate) => {
      if (rate !== null) rates.push(rate);
      if (rates.length > ratesMax) rates.shift();
      screen.draw((size) => topLines(sample, rates, size, clockText(new Date(sample.atMs))));
    });
  } finally {
    screen.close();
  }
}
