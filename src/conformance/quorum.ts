import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { nodeId } from '../base/brands.ts';
import { defineResource } from '../metadata/resources/custom/kind.ts';
import type { StartServer } from '../runtime/server-config.ts';

const host = '127.0.0.1';

/** A kind of metadata that no broker knows, as a program that embeds a controller might have one. */
export const foreignKind = defineResource({
  name: 'conformance',
  id: 10_100,
  version: 1,
  key: Type.String({ pattern: '^[a-z-]+$' }),
  value: Type.Object({ says: Type.String() }, { additionalProperties: false }),
});

export type KitQuorum = { readonly url: string; readonly directory: string; close(): Promise<void> };

/** One controller of the kit's own, in a folder that goes with it. */
export async function startKitQuorum(
  startServer: StartServer,
  brokerSessionTimeoutMs: number,
): Promise<KitQuorum> {
  const directory = await mkdtemp(join(tmpdir(), 'ottla-conformance-'));
  const peer = { host, port: await freePort() };
  const started = await startServer({
    nodeId: nodeId(0),
    dataDir: join(directory, 'controller'),
    voters: [{ id: nodeId(0), ...peer }],
    httpListen: { host, port: 0 },
    peerListen: peer,
    tls: null,
    insecure: true,
    logLevel: 'silent',
    resources: [foreignKind],
    settings: { brokerSessionTimeoutMs },
  });
  if (!started.ok) throw new Error(started.error.message);
  return {
    url: started.value.httpUrl,
    directory,
    close: async () => {
      await started.value.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port: 0 }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
