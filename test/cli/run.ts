import { failed } from '../../src/base/result.ts';
import type { CliDependencies } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/main.ts';
import { effectiveSettings } from '../../src/server/settings.ts';

export type CliRun = { readonly exitCode: number; readonly out: string; readonly err: string };

/** What the commands get of the world in tests: what they would start or read from disk is refused. */
export function dependencies(changes: Partial<CliDependencies> = {}): CliDependencies {
  return {
    startServer: async () => failed({ code: 'CONFIG_INVALID', message: 'This test starts no server.' }),
    startBroker: async () => failed({ code: 'CONFIG_INVALID', message: 'This test starts no broker.' }),
    readLines: async function* () {},
    readLogDirectory: async () => failed({ message: 'This test reads no directory.' }),
    inspectStorage: async () => failed({ message: 'This test looks at no directory.' }),
    resolveServerSettings: async (given) => effectiveSettings(given),
    requestAdministrator: async () => failed({ message: 'This test asks no controller.' }),
    terminal: { out: () => {}, err: () => {}, isColoured: false },
    screen: null,
    environment: {},
    version: '0.0.0-test',
    entryFile: '/nowhere/main.js',
    ...changes,
  };
}

/** Runs a command line in this process. */
export async function cli(args: readonly string[], changes: Partial<CliDependencies> = {}): Promise<CliRun> {
  const written = { out: '', err: '' };
  const terminal: CliDependencies['terminal'] = {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    isColoured: false,
  };
  const exitCode = await runCli(args, dependencies({ terminal, ...changes }));
  return { exitCode, ...written };
}

/** What a user sees: the output, then what went to the error stream, then the exit code. */
export function transcript(args: readonly string[], { out, err, exitCode }: CliRun): string {
  return `$ ottla ${args.join(' ')}\n${out}${err === '' ? '' : `[stderr]\n${err}`}[exit code ${exitCode}]\n`;
}
