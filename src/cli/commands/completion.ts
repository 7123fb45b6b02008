import { Argument, type Command } from 'commander';
import { completionHelp, completionScript, type Shell, shells } from '../completion/scripts.ts';
import { completionTree } from '../completion/tree.ts';
import type { CliDependencies } from '../context.ts';

export function addCompletionCommand(program: Command, { terminal }: CliDependencies): void {
  program
    .command('completion')
    .description('Print a script by which your shell completes commands, options and their values.')
    .addArgument(new Argument('<shell>', 'your shell').choices(shells))
    .addHelpText('after', completionHelp)
    .action((shell: Shell) => {
      terminal.out(completionScript(shell, completionTree(program)));
    });
}
