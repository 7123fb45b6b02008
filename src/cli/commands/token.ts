import { rmSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Type } from 'typebox';
import type { Client } from '../../client/create-client.ts';
import { OttlaError } from '../../client/errors.ts';
import { makeToken } from '../../client/protocol/bearer-token.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import {
  callOptionsOf,
  endpointsOf,
  withClient,
  withClusterOptions,
  withDryRun,
  type CliDependencies,
  type ClusterOptions,
  type DryRunOption,
} from '../context.ts';
import { CliFailure, sentence } from '../failures.ts';
import { addFieldOptions, readFields } from '../operation-fields.ts';
import { show } from '../output/forms.ts';
import { renderFields, type Column } from '../output/table.ts';
import { addListVerb, addVerb, outcome } from '../verbs.ts';

type TokenView = Awaited<ReturnType<Client['listTokens']>>['tokens'][number];
type CreatedToken = Awaited<ReturnType<Client['createToken']>>;

export function addTokenCommands(program: Command, dependencies: CliDependencies): void {
  const token = program.command('token').description('Who may ask: tokens and their roles.');
  addCreate(token, dependencies);
  addList(token, dependencies);
  addDescribe(token, dependencies);
  addRevoke(token, dependencies);
  addRecover(token, dependencies);
}

/** What a person says of a token; its secret is made here, and only the hash leaves this process. */
const asked = { ...operations.createToken, body: Type.Omit(operations.createToken.body, ['secretHash']) };

const explanations = {
  name: 'who it is for; tokens of one name are one principal',
  role: 'administrator, operator, broker or reader',
  brokerId: 'the one broker that it speaks for, with the role broker',
  lifetimeMs: 'how long it is honoured; for ever when absent',
  tokenId: 'the token’s id; see ottla token list',
} as const;

type CreateOptions = ClusterOptions &
  DryRunOption &
  Readonly<Record<string, unknown>> & { readonly writeTo?: string };

function addCreate(token: Command, { terminal, environment }: CliDependencies): void {
  const command = withDryRun(withClusterOptions(token.command('create'), environment));
  addFieldOptions(command, asked, ['name'], explanations)
    .option('--write-to <file>', 'put it into a new file that only you can read, and do not show it')
    .description('Make a token. It is shown once: the cluster keeps nothing that it could be told from.')
    .addHelpText(
      'after',
      '\nExample:\n  ottla token create broker-1 --role broker --broker-id 1 --write-to token-1',
    )
    .action(async (name: string, options: CreateOptions) => {
      const input = readFields(asked, ['name'], [name], options);
      if (input['role'] === 'broker' && input['brokerId'] === undefined) throw brokerMissing();
      const { token: secret, secretHash } = makeToken();
      if (options.dryRun === true) {
        const possible = await create(options, { ...input, secretHash });
        const { role } = possible;
        await show(terminal, options.output, possible, () =>
          outcome(
            { isDryRun: true },
            '',
            `A token could be made for ${possible.name}, with the role ${role}.`,
          ),
        );
        return;
      }
      // Kept before it is made: one that exists and that nobody has would be of no use.
      if (options.writeTo !== undefined) writeToken(options.writeTo, secret);
      const created = await create(options, { ...input, secretHash });
      const shown = options.writeTo === undefined ? { ...created, token: secret } : created;
      await show(terminal, options.output, shown, () =>
        createdText(created, secret, options.writeTo ?? null),
      );
    });
}

function brokerMissing(): CliFailure {
  return new CliFailure(
    'usage',
    'The role broker needs the one broker that the token speaks for.',
    'Name it, as in --broker-id 1.',
  );
}

async function create(
  options: CreateOptions,
  input: Readonly<Record<string, unknown>>,
): Promise<CreatedToken> {
  try {
    return await withClient(options, endpointsOf(options), (client) =>
      // `readFields` has checked it against the operation's own schemas.
      client.createToken(input as Parameters<Client['createToken']>[0], callOptionsOf(options)),
    );
  } catch (error) {
    const isDefinite = error instanceof OttlaError;
    if (isDefinite && options.dryRun !== true && options.writeTo !== undefined)
      rmSync(options.writeTo, { force: true });
    throw error;
  }
}

function writeToken(file: string, secret: string): void {
  try {
    writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliFailure('usage', `${file} cannot be written: ${reason}.`, 'Give the name of a new file.');
  }
}

function createdText(created: CreatedToken, secret: string, file: string | null): string {
  const { tokenId, name, role, brokerId, expiresMs } = created;
  const bound = brokerId === null ? '' : ` ${brokerId}`;
  const line = `Token ${tokenId} was made for ${name}: ${role}${bound}, ${expiryText(expiresMs)}.\n`;
  return file === null
    ? `${line}This is the one time that it is shown:\n\n  ${secret}\n\n`
    : `${line}It stands in ${file}.\n`;
}

const named = { positional: ['tokenId'], explanations } as const;

function addList(token: Command, dependencies: CliDependencies): void {
  addListVerb(token, dependencies, {
    name: 'list',
    operation: operations.listTokens,
    description: 'All tokens, by id, expired ones included.',
    rows: 'tokens',
    page: async (client, query, options) => {
      const { tokens, continue: next } = await client.listTokens(query, options);
      return { rows: tokens, continue: next };
    },
    columns: tokenColumns,
    none: 'There is no token.',
  });
}

function addDescribe(token: Command, dependencies: CliDependencies): void {
  addVerb(token, dependencies, {
    name: 'describe',
    operation: operations.describeToken,
    ...named,
    description: 'One token: who it is for and how long it is honoured.',
    call: (client, input, options) => client.describeToken(input, options),
    text: describeText,
  });
}

function addRevoke(token: Command, dependencies: CliDependencies): void {
  addVerb(token, dependencies, {
    name: 'revoke',
    operation: operations.revokeToken,
    ...named,
    description: 'Revoke a token: from the answer on nothing is written under it.',
    call: (client, input, options) => client.revokeToken(input, options),
    text: ({ tokenId, name }, view) =>
      outcome(
        view,
        `Token ${tokenId} of ${name} is honoured no more.`,
        `Token ${tokenId} of ${name} could be revoked.`,
      ),
  });
}

function addRecover(token: Command, { terminal, requestAdministrator }: CliDependencies): void {
  token
    .command('recover')
    .description(
      'Make an administrator’s token without having one, as whoever may write to a controller’s data.',
    )
    .requiredOption('--data-dir <directory>', 'the data directory of a controller, which may be running')
    .action(async ({ dataDir }: { readonly dataDir: string }) => {
      const { token: secret, secretHash } = makeToken();
      const requested = await requestAdministrator(dataDir, secretHash);
      if (!requested.ok) {
        throw new CliFailure(
          requested.error.isMissing === true ? 'notFound' : 'usage',
          sentence(requested.error.message),
          'Run this on a controller’s machine, as the user that the controller runs as.',
        );
      }
      terminal.out(recoverText(secret));
    });
}

function recoverText(secret: string): string {
  return `The controller of that directory makes this token an administrator’s, as soon as it runs and somebody leads:

  ${secret}

This is the one time that it is shown. See whether it is honoured with: OTTLA_TOKEN=… ottla token list
`;
}

const tokenColumns: readonly Column<TokenView>[] = [
  { heading: 'TOKEN ID', cell: (row) => row.tokenId },
  { heading: 'NAME', cell: (row) => row.name },
  { heading: 'ROLE', cell: (row) => row.role },
  { heading: 'BROKER', cell: (row) => row.brokerId ?? '', align: 'right' },
  { heading: 'CREATED', cell: (row) => timeText(row.createdMs) },
  { heading: 'EXPIRES', cell: (row) => expiryCell(row) },
];

function describeText(view: TokenView): string {
  return renderFields([
    ['Token', view.tokenId],
    ['Name', view.name],
    ['Role', view.role],
    ['Broker', view.brokerId ?? 'none'],
    ['Created', timeText(view.createdMs)],
    ['Expires', expiryCell(view)],
    ['Last modified at', view.lastModified],
  ]);
}

/** By this machine's clock; whether it is still honoured the cluster decides by its own. */
function expiryCell({ expiresMs }: TokenView): string {
  if (expiresMs === null) return 'never';
  return expiresMs <= Date.now() ? `expired ${timeText(expiresMs)}` : timeText(expiresMs);
}

function expiryText(expiresMs: number | null): string {
  return expiresMs === null ? 'it never expires' : `until ${timeText(expiresMs)}`;
}

/** RFC 3339, in UTC. */
function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
