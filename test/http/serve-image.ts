import { onTestFinished } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { type HttpServer, startHttpServer, type HttpServerOptions } from '../../src/http/index.ts';
import { operations } from '../../src/metadata/operations.ts';
import { quorumOperations } from '../../src/runtime/quorum-operations/definitions.ts';
import { ImageController } from './image-controller.ts';

/** The real operations on a free port; closed when the test ends. */
export async function serveImage(
  options: Partial<HttpServerOptions> = {},
): Promise<{ readonly url: string; readonly controller: ImageController; readonly server: HttpServer }> {
  const controller = new ImageController();
  const started = await startHttpServer({
    controller,
    operations: [...operations, ...Object.values(quorumOperations)],
    listen: { host: '127.0.0.1', port: 0 },
    tls: null,
    insecure: false,
    authentication: 'off',
    ...options,
  });
  assert(started.ok, 'the server starts');
  onTestFinished(() => started.value.close());
  return { url: started.value.url, controller, server: started.value };
}
