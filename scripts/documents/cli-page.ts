import type { Command } from 'commander';
import { assert } from '../../src/base/assert.ts';
import { createProgram } from '../../src/cli/main.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { brokerSettingMeanings, defaultBrokerSettings } from '../../src/broker/settings.ts';
import { settingMeanings } from '../../src/server/setting-meanings.ts';
import { effectiveSettings } from '../../src/server/settings.ts';

/** A program that is asked for its words alone, and runs nothing. */
function describedProgram(): Command {
  const refuse = async (): Promise<never> => {
    throw new Error('Documents run no command.');
  };
  return createProgram({
    startServer: refuse,
    startBroker: refuse,
    readLines: () => {
      throw new Error('Documents run no command.');
    },
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

${fileOfSettings}
## Settings of a controller

\`--set <name=number>\` of \`ottla server start\`, or \`server.set\` in a file. Times are in milliseconds, sizes in bytes. All of a cluster's
controllers should have the same.

${settingTable()}

## Settings of a reference broker

\`--set <name=number>\` of \`ottla broker start\`, or \`broker.set\` in a file.

${brokerSettingTable()}

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

const fileOfSettings = `## A file of settings

What \`--config\` or \`OTTLA_CONFIG\` names is YAML, of which JSON is a part. Its names are those of the variables in another spelling:
\`server.dataDir\` is \`OTTLA_SERVER_DATA_DIR\`, and \`client.tokenFile\` is \`OTTLA_TOKEN_FILE\`. A file counts before a default, a variable before a
file, a flag before all of them; \`ottla server config --config <file>\` shows what comes of it, and from where.

\`\`\`yaml
client:
  endpoints: [https://c0.example.org:9644, https://c1.example.org:9644, https://c2.example.org:9644]
  tlsAuthority: /etc/ottla/authority.pem
  tokenFile: /etc/ottla/token
server:
  nodeId: 0
  dataDir: /var/lib/ottla/0
  voters: [0@c0.example.org:9645, 1@c1.example.org:9645, 2@c2.example.org:9645]
  http: c0.example.org:9644
  tlsCertificate: /etc/ottla/certificate.pem
  tlsKey: /etc/ottla/key.pem
  tlsAuthority: /etc/ottla/authority.pem
  set: [brokerSessionTimeoutMs=6000, requestsPerSecond=2000]
\`\`\`
`;

function settingTable(): string {
  const defaults = effectiveSettings({});
  assert(defaults.ok, 'what is given when nothing is given fits together');
  const rows = Object.entries(settingMeanings).map(
    ([name, meaning]) => `| \`${name}\` | ${defaults.value[name]} | ${meaning} |`,
  );
  return tableOfSettings(rows);
}

function brokerSettingTable(): string {
  const defaults: Readonly<Record<string, number>> = defaultBrokerSettings;
  return tableOfSettings(
    Object.entries(brokerSettingMeanings).map(
      ([name, meaning]) => `| \`${name}\` | ${defaults[name]} | ${meaning} |`,
    ),
  );
}

function tableOfSettings(rows: readonly string[]): string {
  return ['| name | default | meaning |', '|---|---:|---|', ...rows].join('\n');
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
