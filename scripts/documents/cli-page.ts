import type { Command } from 'commander';
import { createProgram } from '../../src/cli/main.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';

/** A program that is asked for its words alone, and runs nothing. */
function describedProgram(): Command {
  const refuse = async (): Promise<never> => {
    throw new Error('Documents run no command.');
  };
  return createProgram({
    startServer: refuse,
    readLogDirectory: refuse,
    inspectStorage: refuse,
    resolveServerSettings: refuse,
    requestAdministrator: refuse,
    terminal: { out: () => {}, err: () => {}, isColoured: false },
    screen: null,
    environment: {},
    version: '',
    entryFile: '',
  });
}

/** `docs/CLI.md`, made from the tree of commands. */
export function cliPage(): string {
  const program = describedProgram();
  return `# The command line

<!-- Made by \`npm run documents\` from src/cli; a test compares. -->

Every command shows its help with \`--help\`. \`ottla completion bash|zsh|fish\` prints a script by which a shell completes commands and options.

Answers are for people (\`-o table\`, and \`-o wide\` with more columns) or for programs (\`-o json\`, \`-o yaml\`). Everything that changes the metadata or
the quorum understands \`--dry-run\`: the cluster says what it would do, and does nothing. Answers go to standard output; errors, advice and progress go to
the error stream. Colours are used only on a terminal, and not where \`NO_COLOR\` is set or \`TERM\` is \`dumb\`.

## Exit codes

A meaning never changes.

| code | meaning |
|---|---|
${Object.values(exitCodes)
  .map(({ code, meaning }) => `| ${code} | ${meaning} |`)
  .join('\n')}

## Options of every command that asks a cluster

${optionTable(sharedOptions(program))}

${sectionsOf(program, '##').join('\n\n')}
`;
}

function visibleCommands(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');
}

function sectionsOf(command: Command, level: string): readonly string[] {
  return visibleCommands(command).flatMap((child) => [
    section(child, level),
    ...sectionsOf(child, `${level}#`),
  ]);
}

function section(command: Command, level: string): string {
  const isGroup = command.commands.length > 0;
  const heading = `${level} ${pathOf(command)}\n\n${escape(command.description())}`;
  if (isGroup) return heading;
  const usage = `\`\`\`text\n${pathOf(command)} ${command.usage()}\n\`\`\``;
  const shared = new Set(sharedOptions(rootOf(command)).map(([flags]) => flags));
  const options = optionsOf(command);
  const asksCluster = options.some(([flags]) => flags.startsWith('--endpoints'));
  const own = options.filter(([flags]) => !asksCluster || !shared.has(flags));
  const args = command.registeredArguments.map((each): Row => [`<${each.name()}>`, each.description]);
  const rows = [...args, ...own];
  return [heading, usage, ...(rows.length === 0 ? [] : [optionTable(rows)])].join('\n\n');
}

type Row = readonly [flags: string, meaning: string];

function optionsOf(command: Command): readonly Row[] {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
    .map((option): Row => [help.optionTerm(option), help.optionDescription(option)]);
}

/** As they stand at a command that has no others. */
function sharedOptions(program: Command): readonly Row[] {
  const cluster = program.commands.find((command) => command.name() === 'cluster');
  const describe = cluster?.commands.find((command) => command.name() === 'describe');
  return describe === undefined ? [] : optionsOf(describe);
}

function optionTable(rows: readonly Row[]): string {
  return [
    '| | |',
    '|---|---|',
    ...rows.map(([flags, meaning]) => `| \`${flags}\` | ${escape(meaning)} |`),
  ].join('\n');
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

/** In a table's cell a bar would end the cell, and what looks like a tag would vanish. */
function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
