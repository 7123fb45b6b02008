import { onTestFinished } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { startHttpServer, type HttpServer, type HttpServerOptions } from '../../src/http/index.ts';
import { FakeController, testOperations } from './fake-controller.ts';

export type Served = {
  readonly server: HttpServer;
  readonly controller: FakeController;
  readonly url: string;
};

/** A server on a free port with a controller in memory; it is closed when the test ends. */
export async function serve(options: Partial<HttpServerOptions> = {}): Promise<Served> {
  const controller = new FakeController();
  const started = await startHttpServer({
    controller,
    operations: Object.values(testOperations),
    listen: { host: '127.0.0.1', port: 0 },
    tls: null,
    insecure: false,
    authentication: 'off',
    ...options,
  });
  assert(started.ok, 'the server starts');
  const server = started.value;
  onTestFinished(() => server.close());
  return { server, controller, url: server.url };
}

export type Answered = { readonly status: number; readonly headers: Headers; readonly body: unknown };

/** One request with a JSON body, if any; the body of the answer is parsed. */
export async function ask(
  url: string,
  method = 'GET',
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: text }),
  });
  const received = await response.text();
  const parsed: unknown = received === '' ? null : JSON.parse(received);
  return { status: response.status, headers: response.headers, body: parsed };
}
