import { relative } from 'node:path';
import type { Command } from 'commander';
import { positiveInteger, type CliDependencies } from '../context.ts';
import { prepareDirectory } from '../dev/directory.ts';
import { devBasePort, devBasePortMax, devLayout, type DevLayout } from '../dev/layout.ts';
import { checkPorts } from '../dev/ports.ts';
import { runDev } from '../dev/run.ts';
import { CliFailure } from '../failures.ts';

type DevOptions = { readonly dataDir: string; readonly basePort: string; readonly plain?: boolean };

export function addDevCommand(program: Command, dependencies: CliDependencies): void {
  program
    .command('dev')
    .description(
      'Three controllers and three brokers on this machine, to try things with. Ctrl-C stops all of it.',
    )
    .option('--data-dir <directory>', 'where everything stands; a later start finds it again', './.ottla-dev')
    .option('--base-port <port>', 'the first of nine ports', String(devBasePort))
    .option('--plain', 'write line by line, also on a terminal')
    .action(async (options: DevOptions) => {
      const layout = readLayout(options);
      await checkPorts(layout);
      prepareDirectory(layout);
      const screen = options.plain === true ? null : dependencies.screen;
      await runDev(layout, { ...dependencies, screen }, commandLine(dependencies));
    });
}

function readLayout(options: DevOptions): DevLayout {
  const basePort = positiveInteger(options.basePort, '--base-port');
  if (basePort <= devBasePortMax) return devLayout(options.dataDir, basePort);
  throw new CliFailure(
    'usage',
    `--base-port ${basePort} leaves no room for nine ports.`,
    `Give one of at most ${devBasePortMax}.`,
  );
}

/** How a person starts this program in the folder where they are. */
function commandLine(dependencies: CliDependencies): string {
  const invokedAs = process.argv[1] ?? '';
  const isInstalled = /[/\\]ottla$/.test(invokedAs);
  return isInstalled ? 'ottla' : `node ${relative(process.cwd(), dependencies.entryFile)}`;
}
