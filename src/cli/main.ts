import { Command, CommanderError } from 'commander';
import { addBrokerCommands } from './commands/broker.ts';
import { addCheckCommands } from './commands/check.ts';
import { addClusterCommands } from './commands/cluster.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addConformanceCommand } from './commands/conformance.ts';
import { addConfigCommands } from './commands/config.ts';
import { addConsumeCommand } from './commands/consume.ts';
import { addControllerCommands } from './commands/controller.ts';
import { addDevCommand } from './commands/dev.ts';
import { addFeatureCommands } from './commands/feature.ts';
import { addGroupCommands } from './commands/group.ts';
import { addResourceCommands } from './commands/resource.ts';
import { addLogCommands } from './commands/log.ts';
import { addPartitionCommands } from './commands/partition.ts';
import { addProduceCommand } from './commands/produce.ts';
import { addReassignmentCommands } from './commands/reassignment.ts';
import { addQuorumCommands } from './commands/quorum.ts';
import { addServerCommands } from './commands/server.ts';
import { addSessionCommands } from './commands/session.ts';
import { addSnapshotCommands } from './commands/snapshot.ts';
import { addStorageCommands } from './commands/storage.ts';
import { addTokenCommands } from './commands/token.ts';
import { addTopCommand } from './commands/top.ts';
import { addTopicCommands } from './commands/topic.ts';
import { addTransactionCommands } from './commands/transaction.ts';
import { addWatchCommand } from './commands/watch.ts';
import type { CliDependencies } from './context.ts';
import { addDevChildCommands } from './dev/child-commands.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { describeFailure, exitNumber } from './failures.ts';
import { style } from './output/terminal.ts';

/** Runs one command line, without `node` and the file's name, and gives the exit code. Never throws. */
export async function runCli(args: readonly string[], dependencies: CliDependencies): Promise<number> {
  const { terminal } = dependencies;
  const program = createProgram(dependencies);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    // commander has said what it had to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitNumber('usage');
    const { exit, message, advice } = describeFailure(error);
    terminal.err(`${style(terminal, 'red', 'ottla:')} ${message}\n${advice}\n`);
    if (dependencies.environment['OTTLA_DEBUG'] !== undefined && error instanceof Error) {
      terminal.err(`${error.stack ?? ''}\n`);
    }
    return exitNumber(exit);
  }
}

/** The whole tree of commands; documents and completion are made from it, too. */
export function createProgram(dependencies: CliDependencies): Command {
  const { terminal, version } = dependencies;
  const program = new Command('ottla')
    .description('Ottla keeps the metadata of a Kafka-shaped cluster: brokers, topics, partitions, leaders.')
    .version(version, '--version', 'say which version this is')
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError('See what there is with --help.')
    .addHelpText('after', `\n${exitCodeHelp()}`)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  addServerCommands(program, dependencies);
  addDevCommand(program, dependencies);
  addDevChildCommands(program, dependencies);
  addClusterCommands(program, dependencies);
  addQuorumCommands(program, dependencies);
  addControllerCommands(program, dependencies);
  addBrokerCommands(program, dependencies);
  addTopicCommands(program, dependencies);
  addPartitionCommands(program, dependencies);
  addReassignmentCommands(program, dependencies);
  addTransactionCommands(program, dependencies);
  addConfigCommands(program, dependencies);
  addFeatureCommands(program, dependencies);
  addSessionCommands(program, dependencies);
  addGroupCommands(program, dependencies);
  addResourceCommands(program, dependencies);
  addSnapshotCommands(program, dependencies);
  addLogCommands(program, dependencies);
  addStorageCommands(program, dependencies);
  addCheckCommands(program, dependencies);
  addConformanceCommand(program, dependencies);
  addTokenCommands(program, dependencies);
  addProduceCommand(program, dependencies);
  addConsumeCommand(program, dependencies);
  addWatchCommand(program, dependencies);
  addTopCommand(program, dependencies);
  addCompletionCommand(program, dependencies);
  inheritSettings(program);
  return program;
}

/** commander hands settings down only to commands that are added after they were made. */
function inheritSettings(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritSettings(child);
  }
}
