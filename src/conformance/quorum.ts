import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { nodeId } from '../base/brands.ts';
import { defineResource } from '../metadata/resources/custom/kind.ts';
import type { ServerConfig, StartServer } from '../runtime/server-config.ts';

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

/** Another process may take a port between its being found free and its being listened on. */
const attemptsMax = 5;

/** One controller of the kit's own, in a folder that goes with it. */
export async function startKitQuorum(
  startServer: StartServer,
  brokerSessionTimeoutMs: number,
): Promise<KitQuorum> {
  const directory = await mkdtemp(join(tmpdir(), 'ottla-conformance-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  for (let attempt = 1; ; attempt++) {
    const started = await startServer(await configOf(directory, brokerSessionTimeoutMs));
    if (started.ok) {
      const close = async (): Promise<void> => {
        await started.value.stop();
        await remove();
      };
      return { url: started.value.httpUrl, directory, close };
    }
    await remove();
    if (started.error.code !== 'ADDRESS_IN_USE' || attempt === attemptsMax)
      throw new Error(started.error.message);
  }
}

async function configOf(directory: string, brokerSessionTimeoutMs: number): Promise<ServerConfig> {
  const peer = { host, port: await freePort() };
  return {
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
