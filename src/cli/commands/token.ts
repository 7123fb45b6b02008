import { rmSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Type } from 'typebox';
import type { Client } from '../../client/create-client.ts';
import { OttlaError } from '../../client/errors.ts';
import { makeToken } from '../../client/protocol/bearer-token.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import {
  endpointsOf,
  show,
  withClient,
  withClusterOptions,
  type CliDependencies,
  type ClusterOptions,
} from '../context.ts';
import { CliFailure } from '../failures.ts';
import { showList, withListOptions, type ListOptions } from '../listing.ts';
import { addFieldOptions, readFields } from '../operation-fields.ts';
import { renderFields, renderTable, type Column } from '../output/table.ts';
import { style, type Terminal } from '../output/terminal.ts';

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

type CreateOptions = ClusterOptions & Readonly<Record<string, unknown>> & { readonly writeTo?: string };

function addCreate(token: Command, { terminal, environment }: CliDependencies): void {
  const command = withClusterOptions(token.command('create'), environment);
  addFieldOptions(command, asked, ['name'], explanations)
    .option('--write-to <file>', 'put it into a new file that only you can read, and do not show it')
    .description('Make a token. It is shown once: the cluster keeps nothing that it could be told from.')
    .addHelpText(
      'after',
      '\nExample:\n  ottla token create broker-1 --role broker --broker-id 1 --write-to token-1',
    )
    .action(async (name: string, options: CreateOptions) => {
      const input = readFields(asked, ['name'], [name], options);
      const { token: secret, secretHash } = makeToken();
      // Kept before it is made: one that exists and that nobody has would be of no use.
      if (options.writeTo !== undefined) writeToken(options.writeTo, secret);
      const created = await create(options, { ...input, secretHash });
      const shown = options.writeTo === undefined ? { ...created, token: secret } : created;
      show(terminal, options.output, shown, () => createdText(created, secret, options.writeTo ?? null));
    });
}

async function create(
  options: CreateOptions,
  input: Readonly<Record<string, unknown>>,
): Promise<CreatedToken> {
  try {
    return await withClient(options, endpointsOf(options), (client) =>
      // `readFields` has checked it against the operation's own schemas.
      client.createToken(input as Parameters<Client['createToken']>[0]),
    );
  } catch (error) {
    const isDefinite = error instanceof OttlaError;
    if (isDefinite && options.writeTo !== undefined) rmSync(options.writeTo, { force: true });
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

function addList(token: Command, { terminal, environment }: CliDependencies): void {
  withListOptions(withClusterOptions(token.command('list'), environment))
    .description('All tokens, by id, expired ones included.')
    .action((options: ClusterOptions & ListOptions) =>
      showList(options, terminal, {
        name: 'tokens',
        fetchPage: async (client, query) => {
          const { tokens, continue: next } = await client.listTokens(query);
          return { rows: tokens, continue: next };
        },
        table: (rows) => tokenTable(rows, terminal),
      }),
    );
}

function addDescribe(token: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.describeToken;
  const command = withClusterOptions(token.command('describe'), environment);
  addFieldOptions(command, operation, ['tokenId'], explanations)
    .description('One token: who it is for and how long it is honoured.')
    .action(async (tokenId: string, options: ClusterOptions) => {
      readFields(operation, ['tokenId'], [tokenId], {});
      const view = await withClient(options, endpointsOf(options), (client) =>
        client.describeToken({ tokenId: tokenId as TokenView['tokenId'] }),
      );
      show(terminal, options.output, view, () => describeText(view));
    });
}

function addRevoke(token: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.revokeToken;
  const command = withClusterOptions(token.command('revoke'), environment);
  addFieldOptions(command, operation, ['tokenId'], explanations)
    .description('Revoke a token: from the answer on nothing is written under it.')
    .action(async (tokenId: string, options: ClusterOptions) => {
      readFields(operation, ['tokenId'], [tokenId], {});
      const done = await withClient(options, endpointsOf(options), (client) =>
        client.revokeToken({ tokenId: tokenId as TokenView['tokenId'] }),
      );
      show(
        terminal,
        options.output,
        done,
        () => `Token ${done.tokenId} of ${done.name} is honoured no more.\n`,
      );
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
          'usage',
          `${dataDir} cannot be written to: ${requested.error.message}.`,
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

function tokenTable(tokens: readonly TokenView[], terminal: Terminal): string {
  if (tokens.length === 0) return 'There is no token.\n';
  return renderTable(tokenColumns, tokens, (heading) => style(terminal, 'bold', heading));
}

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
