import { Option, type Command } from 'commander';
import { isRuleName, type RuleName, rules } from '../../conformance/rules.ts';
import { junitText, resultText, verdictText, type Word } from '../../conformance/text.ts';
import type { Report } from '../../conformance/verdict.ts';
import { parseEndpoint } from '../../runtime/server-config.ts';
import { type CliDependencies, positiveInteger } from '../context.ts';
import { CliFailure } from '../failures.ts';
import { outputForms, show } from '../output/forms.ts';
import { style, type Terminal } from '../output/terminal.ts';

const forms = [...outputForms, 'junit'] as const;

type Options = {
  readonly broker?: string;
  readonly command?: string;
  readonly data: boolean;
  readonly listen: string;
  readonly rule: readonly string[];
  readonly sessionTimeoutMs: string;
  readonly brokerOutput?: boolean;
  readonly output: (typeof forms)[number];
};

export function addConformanceCommand(program: Command, dependencies: CliDependencies): void {
  program
    .command('conformance')
    .description('Hold a broker, in whatever language it is written, against the rules of docs/BROKERS.md.')
    .option(
      '--broker <url>',
      'where producers, consumers and other brokers reach it; as it registers when absent',
    )
    .option('--no-data', 'its data plane is of another kind: look only at what it says to controllers')
    .option(
      '--command <line>',
      'starts the broker; {controllers} and {directory} stand for what it is to be given',
    )
    .option(
      '--listen <host:port>',
      'where the broker finds its controllers; the next port is taken, too',
      '127.0.0.1:0',
    )
    .option('--rule <name>', 'look at this rule alone; may be given more than once', collect, [])
    .option('--session-timeout-ms <ms>', 'how long the controllers wait for a heartbeat', '2000')
    .option('--broker-output', 'show what the broker writes')
    .addOption(new Option('-o, --output <form>', 'how to show the report').choices(forms).default('table'))
    .addHelpText('after', helpText)
    .action((options: Options) => runCommand(options, dependencies));
}

const helpText = `
A controller is started for this, and goes with it; the broker reaches it through the kit, which sees what it asks,
delays it, loses it and answers it wrongly; two more brokers are played beside it. Without --command the kit says where its controllers are, and waits for
somebody to start the broker there; rules that need it to be started anew are skipped.

  ottla conformance --command 'my-broker --id 1 --controllers {controllers} --data {directory}'

A rule that is broken ends it with exit code 11, and one that could not be told with 1.`;

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

async function runCommand(options: Options, { terminal, startServer }: CliDependencies): Promise<void> {
  const listen = parseEndpoint(options.listen);
  if (listen === null) {
    throw new CliFailure('usage', `--listen ${options.listen} is no address.`, 'Give host:port.');
  }
  const only = ruleNames(options.rule);
  const isForPeople = options.output === 'table' || options.output === 'wide';
  // Loaded here, because no other command needs it.
  const { runConformance } = await import('../../conformance/run.ts');
  const report = await runConformance({
    startServer,
    listen,
    sessionTimeoutMs: positiveInteger(options.sessionTimeoutMs, '--session-timeout-ms'),
    broker: options.command ?? null,
    data: options.data ? { url: options.broker ?? null } : null,
    onListening: (controllers) => terminal.err(`The broker’s controllers are ${controllers.join(',')}\n`),
    onResult: (result) => {
      if (isForPeople) terminal.out(resultText(result, (word) => painted(word, terminal)));
    },
    onOutput: (text) => {
      if (options.brokerOutput === true) terminal.err(text);
    },
    ...(only.length === 0 ? {} : { only }),
  });
  await showReport(report, options, terminal);
  if (report.verdict === 'fail') {
    const broken = report.results.filter(({ outcome }) => outcome.kind === 'broken').map(({ rule }) => rule);
    throw new CliFailure(
      'checkFailed',
      `Broken: ${broken.join(', ')}.`,
      'What they demand stands in docs/BROKERS.md.',
    );
  }
  if (report.verdict === 'undecided') {
    throw new CliFailure('failure', 'Not everything could be told.', 'Run it again, on a quieter machine.');
  }
}

async function showReport(report: Report, { output }: Options, terminal: Terminal): Promise<void> {
  if (output === 'junit') terminal.out(junitText(report));
  else await show(terminal, output, report, () => verdictText(report));
}

function ruleNames(names: readonly string[]): readonly RuleName[] {
  return names.map((name) => {
    if (isRuleName(name)) return name;
    const known = rules.map((rule) => rule.name).join(', ');
    throw new CliFailure('usage', `There is no rule '${name}'.`, `The rules are ${known}.`);
  });
}

function painted(word: Word, terminal: Terminal): string {
  if (word === 'kept') return style(terminal, 'green', word);
  if (word === 'BROKEN') return style(terminal, 'red', word);
  return style(terminal, word === 'undecided' ? 'yellow' : 'dim', word);
}
