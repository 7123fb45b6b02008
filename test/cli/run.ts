import { failed } from '../../src/base/result.ts';
import type { CliDependencies } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/main.ts';

export type CliRun = { readonly exitCode: number; readonly out: string; readonly err: string };

/** Runs a command line in this process; what it would start or read from disk is refused. */
export async function cli(args: readonly string[], changes: Partial<CliDependencies> = {}): Promise<CliRun> {
  const written = { out: '', err: '' };
  const exitCode = await runCli(args, {
    startServer: async () => failed({ code: 'CONFIG_INVALID', message: 'This test starts no server.' }),
    readLogDirectory: async () => failed({ message: 'This test reads no directory.' }),
    requestAdministrator: async () => failed({ message: 'This test asks no controller.' }),
    terminal: {
      out: (text) => {
        written.out += text;
      },
      err: (text) => {
        written.err += text;
      },
      isColoured: false,
    },
    environment: {},
    version: '0.0.0-test',
    entryFile: '/nowhere/main.js',
    ...changes,
  });
  return { exitCode, ...written };
}
