import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../../bench/support/project.ts';
import { operationsThatShare, surface } from '../../scripts/documents/surface.ts';
import { createClient } from '../../src/client/index.ts';
import { describeApi } from '../../src/http/openapi/document.ts';
import { errorCatalogue, type ErrorCode } from '../../src/metadata/errors.ts';
import { apiOperations } from '../../src/runtime/quorum-operations/api-operations.ts';
import { commonCases, type ErrorCase, errorCases } from './error-cases.ts';
import { type PreparedNode, prepareNode } from './prepared-node.ts';
import { programsOnly } from './without-verb.ts';

const byId = surface.map((entry) => [entry.operation.operationId, entry] as const);
const document = describeApi(apiOperations, 'test');
const described = Object.values(document.paths).flatMap((methods) => Object.values(methods));

function readAll(folder: string): string {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? readAll(path) : readFileSync(path, 'utf8');
    })
    .join('\n');
}

const commandLine = readAll(join(projectFolder, 'src', 'cli'));

function hasVerb(operationId: string): boolean {
  return new RegExp(String.raw`\bclient\.${operationId}\(`).test(commandLine);
}

describe('every operation', () => {
  it.each(byId)('%s has a method of the client, an entry in the API description and roles', (id, entry) => {
    expect(createClient({ endpoints: ['http://127.0.0.1:1'] })).toHaveProperty(id, expect.any(Function));
    expect(described.filter(({ operationId }) => operationId === id)).toHaveLength(1);
    expect(entry.operation.example).toBeDefined();
    expect(Array.isArray(entry.operation.mayCall)).toBe(true);
  });

  it.each(byId)('%s has a verb at the command line, or is for programs alone', (id) => {
    expect([id, hasVerb(id)]).toEqual([id, !Object.hasOwn(programsOnly, id)]);
  });

  it('that is for programs alone is one that exists', () => {
    expect(Object.keys(programsOnly).filter((id) => byId.every(([known]) => known !== id))).toEqual([]);
  });
});

/** Where a code of an answer stands: in the problem, or with the one item that was refused. */
function codeOf(body: unknown): unknown {
  const { code, partitions, directories } = Object(body) as Readonly<Record<string, unknown>>;
  if (code !== undefined) return code;
  if (Array.isArray(directories)) return codeOf(directories[0]);
  const [item] = Array.isArray(partitions) ? partitions : [];
  return (item as { readonly code?: unknown } | undefined)?.code;
}

function produces(file: string, code: ErrorCode): boolean {
  const path = join(projectFolder, file);
  return existsSync(path) && readFileSync(path, 'utf8').includes(code);
}

describe('every error of an operation', () => {
  let node: PreparedNode;
  beforeAll(async () => {
    node = await prepareNode();
    return () => node.end();
  }, 60_000);

  const own = surface.flatMap(({ operation }) =>
    operation.errors.map((code) => [operation.operationId, code] as const),
  );

  it.each(own)('%s answers %s to a request of the table', async (operationId, code) => {
    const asked: ErrorCase | undefined = errorCases(node)[operationId]?.[code];
    const elsewhere = asked !== undefined && 'producedBy' in asked;
    const answered = elsewhere || asked === undefined ? null : await node.send(asked);
    const found = answered === null ? elsewhere && produces(asked.producedBy, code) : codeOf(answered.body);
    expect(found).toBe(elsewhere ? true : code);
  });

  it('is declared, when the table has it', () => {
    const table = Object.entries(errorCases(node)).flatMap(([id, cases]) =>
      Object.keys(cases).map((code) => `${id} ${code}`),
    );
    expect(table.sort()).toEqual(own.map(([id, code]) => `${id} ${code}`).sort());
  });

  it('that operations share is produced by a test', () => {
    const shared = (Object.keys(errorCatalogue) as ErrorCode[]).filter(
      (code) => operationsThatShare(code).length > 0,
    );
    expect(Object.keys(commonCases).sort()).toEqual(shared.sort());
    expect(shared.filter((code) => !produces(commonCases[code] ?? '', code))).toEqual([]);
  });
});
