import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { compileCheck } from '../../client/protocol/validation.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import {
  callOptionsOf,
  endpointsOf,
  readText,
  withClient,
  withClusterOptions,
  withDryRun,
  type CliDependencies,
  type ClusterOptions,
  type DryRunOption,
} from '../context.ts';
import { CliFailure } from '../failures.ts';
import { parseJson } from '../json.ts';
import { show } from '../output/forms.ts';
import { outcome } from '../verbs.ts';

type Transaction = Parameters<Client['executeTransaction']>[0];
type ExecuteOptions = ClusterOptions & DryRunOption & { readonly file: string };

export function addTransactionCommands(program: Command, { terminal, environment }: CliDependencies): void {
  const transaction = program
    .command('transaction')
    .description('Topics created, grown and deleted together: all of it takes effect, or nothing.');
  withDryRun(withClusterOptions(transaction.command('execute'), environment))
    .description('Do what a file says, in its order, as one change to everybody who reads.')
    .requiredOption('--file <path>', 'the operations, as JSON')
    .addHelpText(
      'after',
      `\nThe file:\n  ${example}\n\nExample:\n  ottla transaction execute --file changes.json`,
    )
    .action(async (options: ExecuteOptions) => {
      const asked = parseTransaction(readText(options.file, 'Give the name of a file.'), options.file);
      const answer = await withClient(options, endpointsOf(options), (client) =>
        client.executeTransaction(asked, callOptionsOf(options)),
      );
      const isDryRun = options.dryRun === true;
      const count = answer.operations === 1 ? '1 operation' : `${answer.operations} operations`;
      await show(terminal, options.output, answer, () =>
        outcome({ isDryRun }, `${count} took effect together.`, `${count} could take effect together.`),
      );
    });
}

const example =
  '{"operations":[{"operationId":"createTopic","body":{"name":"orders","partitions":6}},' +
  '\n                 {"operationId":"deleteTopic","params":{"topic":"bills"}}]}';

function parseTransaction(text: string, file: string): Transaction {
  const findFault = compileCheck(operations.executeTransaction.body, 'file');
  const json = parseJson(text);
  const fault = json === undefined ? 'It is no JSON.' : findFault(json);
  // The check has found it to be one.
  if (fault === null) return json as Transaction;
  throw new CliFailure(
    'usage',
    `${file} says no transaction: ${fault}`,
    'See how one is written with --help.',
  );
}
