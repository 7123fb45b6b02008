import * as fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { Client } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batchPath, batchRequestSchema } from '../../src/client/protocol/batch.ts';
import { isProblem } from '../../src/client/protocol/problem.ts';
import type { ControllerApi } from '../../src/runtime/controller-api.ts';
import { ImageController } from '../http/image-controller.ts';
import { serveImage } from '../http/serve-image.ts';
import { describeApi } from '../../src/http/openapi/document.ts';
import { apiOperations } from '../../src/runtime/quorum-operations/api-operations.ts';
import { prelude, routes, type Sent, sequences } from './arbitrary-requests.ts';
import { checkAsync, timeoutMs } from './check.ts';

const isBatch = Compile(batchRequestSchema);

const responses = new Map(
  routes.map(({ operation }) => [operation.operationId, Compile(operation.response)] as const),
);

/** By operation and status, what the API description allows an answer to be: its codes where it is an error. */
const documented = new Map(
  Object.values(describeApi(apiOperations, 'test').paths)
    .flatMap((methods) => Object.values(methods))
    .map(({ operationId, responses: answers }) => [operationId, new Map(Object.entries(answers))] as const),
);

/** Whether the answer is one that the API description has, with its code among those of its status. */
function findUndocumented(operationId: string, status: number, text: string): string | null {
  const described = documented.get(operationId)?.get(String(status));
  if (described === undefined) return `no answer of ${operationId} with status ${status} is documented`;
  if (status < 400) return null;
  const { code } = JSON.parse(text) as { readonly code?: string };
  const codes = JSON.stringify(described).includes(`"${code}"`);
  return codes ? null : `${code} is not documented as an answer of ${operationId}`;
}

type Received = {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
};

/** Long enough for a machine that is busy with other things; a request that hangs is told from a slow one. */
const hangMs = 20_000;

async function send(client: Client, { method, path, headers, body }: Sent): Promise<Received> {
  const sent = { method: method as 'GET', path, headers, body, headersTimeout: hangMs, bodyTimeout: hangMs };
  const answer = await client.request(sent);
  const contentType = answer.headers['content-type'];
  const text = await answer.body.text();
  return { status: answer.statusCode, contentType: typeof contentType === 'string' ? contentType : '', text };
}

/** What is wrong with an answer, whatever was asked; null when nothing is. */
function findComplaint(sent: Sent, { status, contentType, text }: Received): string | null {
  if (status >= 500 && !isBusy(status, text)) return 'an error of the server’s own';
  if (sent.method === 'HEAD' || status === 204) return null;
  const wanted = status >= 400 ? /^application\/problem\+json/ : /^application\/json/;
  if (!wanted.test(contentType)) return `the content type is ${contentType}`;
  const body: unknown = JSON.parse(text);
  if (status >= 400) return findProblemFault(body, status) ?? findUndocumentedProblem(sent, status, text);
  if (sent.path === batchPath) return findBatchFault(sent, body);
  const undocumented = sent.operationId === null ? null : findUndocumented(sent.operationId, status, text);
  if (undocumented !== null) return undocumented;
  const response = sent.operationId === null ? undefined : responses.get(sent.operationId);
  if (response === undefined || response.Check(body)) return null;
  return `the response is not of its schema: ${JSON.stringify([...response.Errors(body)])}`;
}

/** The one error of the server's own that is none: not now, and when to come again. */
function isBusy(status: number, text: string): boolean {
  return status === 503 && typeof (JSON.parse(text) as { retryAfterMs?: unknown }).retryAfterMs === 'number';
}

/** A method that is not the route's reaches no operation. */
function findUndocumentedProblem({ operationId }: Sent, status: number, text: string): string | null {
  return operationId === null ? null : findUndocumented(operationId, status, text);
}

function findProblemFault(body: unknown, status: number): string | null {
  if (!isProblem(body)) return 'the error is no problem';
  return body.status === status ? null : `the problem says ${body.status}`;
}

function findBatchFault(sent: Sent, body: unknown): string | null {
  const asked: unknown = JSON.parse(sent.body ?? '');
  if (!isBatch.Check(asked)) return 'what is no batch was taken for one';
  const { results } = body as {
    readonly results: readonly { readonly status: number; readonly problem?: unknown }[];
  };
  if (results.length !== asked.operations.length) return `${results.length} results`;
  for (const { status, problem } of results) {
    if (status >= 500) return `one of the results is ${JSON.stringify(problem)}`;
    const fault = problem === undefined ? null : findProblemFault(problem, status);
    if (fault !== null) return fault;
  }
  return null;
}

function tell({ method, path, body }: Sent, { status, text }: Received): string {
  return `${method} ${path} ${body ?? ''} → ${status} ${text}`;
}

/** The server stays, and has a new cluster behind it for every run: what one run did, the next never meets. */
class ReplaceableController implements ControllerApi {
  current = new ImageController();
  status: ControllerApi['status'] = () => this.current.status();
  submit: ControllerApi['submit'] = (...parts) => this.current.submit(...parts);
  readLog: NonNullable<ControllerApi['readLog']> = (...parts) => this.current.readLog(...parts);
  openWatch: NonNullable<ControllerApi['openWatch']> = (...parts) => this.current.openWatch(...parts);
}

describe('whatever is sent to a node', () => {
  it('is answered: never by an error of the server’s own, and every refusal is a problem', {
    timeout: timeoutMs,
  }, async () => {
    const controller = new ReplaceableController();
    const limits = { requestTimeoutDefaultMs: 5_000, answerGraceMs: 250 };
    const { url } = await serveImage({ controller, limits });
    const client = new Client(url);
    onTestFinished(() => client.close());
    const succeeded = new Set<string | null>();
    const statuses = new Set<number>();
    const property = fc.asyncProperty(sequences, async (sequence) => {
      controller.current = new ImageController();
      for (const sent of prelude) expect((await send(client, sent)).status).toBeLessThan(300);
      for (const sent of sequence) {
        const received = await send(client, sent);
        const complaint = findComplaint(sent, received);
        if (complaint !== null) throw new Error(`${complaint}: ${tell(sent, received)}`);
        statuses.add(received.status);
        if (received.status < 300) succeeded.add(sent.operationId);
      }
    });
    await checkAsync(property, 250);
    // Were everything refused at the border, nothing would have been shown about what stands behind it.
    expect([...statuses]).toEqual(expect.arrayContaining([200, 201, 400, 404, 409]));
    expect(succeeded.size).toBeGreaterThan(routes.length / 2);
  });
});
