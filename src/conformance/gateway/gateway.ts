import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { makeProblem } from '../../client/protocol/problem.ts';
import { jsonContentType, problemContentType } from '../../client/protocol/headers.ts';
import type { ErrorCode } from '../../metadata/errors.ts';
import type { Endpoint } from '../../raft/replica-key.ts';
import { Door } from './door.ts';
import { MetadataStreams, type RecordedStream } from './metadata-streams.ts';
import { kindOf, objectOf, type RequestKind, type SeenRequest } from './seen-request.ts';

/** What the gateway does with one request. */
export type Treatment =
  | { readonly type: 'pass' }
  /** Answered by the gateway, as a controller would; the controllers hear nothing of it. */
  | { readonly type: 'refuse'; readonly code: ErrorCode; readonly message: string }
  /** The controllers hear nothing of it, and it is not answered. */
  | { readonly type: 'silence' }
  /** The controllers carry it out, and it is not answered. */
  | { readonly type: 'lose' }
  /** The controllers carry it out at once, and the answer comes then. */
  | { readonly type: 'delay'; readonly until: Promise<unknown> }
  /** The controllers hear of it then. */
  | { readonly type: 'postpone'; readonly until: Promise<unknown> }
  | { readonly type: 'rewrite'; readonly change: (body: Body) => Body }
  /** Of a watch: answered by what another one has brought before. */
  | { readonly type: 'replay'; readonly stream: RecordedStream };

type Body = Readonly<Record<string, unknown>>;

export type Treat = (request: SeenRequest) => Treatment;

const pass: Treatment = { type: 'pass' };
const bodyBytesMax = 16 * 1024 * 1024;
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
]);

/**
 * Stands between the broker and the controllers, at two addresses, so that it looks like two controllers. It sees all
 * that the broker asks of them, and does to it what a check wants. Left alone it changes nothing.
 */
export class Gateway {
  readonly doors: readonly [Door, Door];
  readonly metadata = new MetadataStreams();
  /** Everything since the last `clear`, in the order of arrival. */
  requests: SeenRequest[] = [];
  readonly #upstream: URL;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #treatments = new Map<RequestKind, Treat>();
  readonly #unanswered = new Set<ServerResponse>();
  #heldReads: (() => void)[] = [];

  constructor(controllerUrl: string) {
    this.#upstream = new URL(controllerUrl);
    const serve = (door: number) => (request: IncomingMessage, response: ServerResponse) => {
      void this.#serve(door, request, response).catch(() => response.destroy());
    };
    this.doors = [new Door(serve(0)), new Door(serve(1))];
  }

  /** What a broker is to be given as its controllers. */
  get urls(): readonly string[] {
    return this.doors.map(({ url }) => url);
  }

  async listen({ host, port }: Endpoint): Promise<void> {
    await this.doors[0].listen({ host, port });
    await this.doors[1].listen({ host, port: port === 0 ? 0 : port + 1 });
  }

  /** From now on each request of the kind is treated so. */
  treat(kind: RequestKind, treat: Treat | Treatment): void {
    this.#treatments.set(kind, typeof treat === 'function' ? treat : () => treat);
  }

  untreat(kind: RequestKind): void {
    this.#treatments.delete(kind);
  }

  /** Metadata stop where they are, watched or asked for. */
  holdMetadata(): void {
    this.metadata.hold();
  }

  releaseMetadata(): void {
    this.metadata.release();
    for (const release of this.#heldReads.splice(0)) release();
  }

  /** As in the beginning: nothing seen, and nothing done to what comes. */
  clear(): void {
    this.#treatments.clear();
    this.requests = [];
    this.dropUnanswered();
    this.releaseMetadata();
    for (const door of this.doors) door.open();
  }

  /** Whoever waits for an answer that does not come learns that its connection is gone. */
  dropUnanswered(): void {
    for (const response of this.#unanswered) response.destroy();
  }

  of(kind: RequestKind): readonly SeenRequest[] {
    return this.requests.filter((request) => request.kind === kind);
  }

  async close(): Promise<void> {
    this.clear();
    this.metadata.cut();
    this.#agent.destroy();
    await Promise.all(this.doors.map((door) => door.close()));
  }

  async #serve(door: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request);
    const { method = 'GET', url: path = '/' } = request;
    const { headers } = request;
    const arrivedAtMs = performance.now();
    const kind = kindOf(method, path);
    const seen: SeenRequest = {
      kind,
      door,
      method,
      path,
      headers,
      body: objectOf(text),
      arrivedAtMs,
      answer: null,
    };
    this.requests.push(seen);
    this.#unanswered.add(response);
    response.on('close', () => this.#unanswered.delete(response));
    await this.#carryOut(this.#treatments.get(kind)?.(seen) ?? pass, seen, text, response);
  }

  async #carryOut(
    treatment: Treatment,
    seen: SeenRequest,
    text: string,
    response: ServerResponse,
  ): Promise<void> {
    switch (treatment.type) {
      case 'refuse': {
        const { code, message } = treatment;
        const problem = makeProblem({ code, message });
        this.#answer(seen, response, problem.status, problemContentType, JSON.stringify(problem));
        return;
      }
      case 'silence':
        return;
      case 'lose':
        (await this.#forward(seen, text)).resume();
        return;
      case 'replay':
        response.writeHead(200, { 'content-type': treatment.stream.contentType });
        response.write(treatment.stream.bytes);
        return;
      case 'postpone':
        await treatment.until;
        break;
      default:
        break;
    }
    await this.#pass(treatment, seen, text, response);
  }

  async #pass(
    treatment: Treatment,
    seen: SeenRequest,
    text: string,
    response: ServerResponse,
  ): Promise<void> {
    // A broker that asks for metadata instead of watching them is held back in the same way.
    if (seen.kind === 'other' && seen.method === 'GET' && this.metadata.isHeld) {
      await new Promise<void>((resolve) => this.#heldReads.push(resolve));
    }
    const upstream = await this.#forward(seen, text);
    const { statusCode = 502 } = upstream;
    if (seen.kind === 'watch' && statusCode === 200) {
      response.writeHead(200, endToEnd(upstream));
      response.flushHeaders();
      this.metadata.pass(upstream, response);
      return;
    }
    const body = await readBody(upstream);
    if (treatment.type === 'delay') await treatment.until;
    const changed = treatment.type === 'rewrite' ? JSON.stringify(treatment.change(objectOf(body))) : body;
    for (const [name, value] of Object.entries(endToEnd(upstream))) response.setHeader(name, value ?? '');
    const contentType = String(upstream.headers['content-type'] ?? jsonContentType);
    this.#answer(seen, response, statusCode, contentType, changed);
  }

  #answer(
    seen: SeenRequest,
    response: ServerResponse,
    status: number,
    contentType: string,
    text: string,
  ): void {
    seen.answer = { atMs: performance.now(), status, body: objectOf(text) };
    response.writeHead(status, { 'content-type': contentType });
    response.end(text);
  }

  #forward(seen: SeenRequest, text: string): Promise<IncomingMessage> {
    const { method, path, headers } = seen;
    const { hostname, port } = this.#upstream;
    return new Promise((resolve, reject) => {
      const passed = Object.entries(headers).filter(([name]) => !hopByHop.has(name) && name !== 'host');
      const forwarded = httpRequest(
        {
          hostname,
          port,
          method,
          path,
          agent: seen.kind === 'watch' ? false : this.#agent,
          headers: {
            ...Object.fromEntries(passed.map(([name, value]) => [name, String(value)])),
            ...(text === '' ? {} : { 'content-length': Buffer.byteLength(text) }),
          },
        },
        resolve,
      );
      forwarded.on('error', reject);
      forwarded.end(text);
    });
  }
}

async function readBody(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > bodyBytesMax) throw new Error('it is longer than anything of the protocol');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Headers that are not of the one connection alone. */
function endToEnd({ headers }: IncomingMessage): Record<string, string | string[] | undefined> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)));
}
