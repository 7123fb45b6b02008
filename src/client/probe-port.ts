import { createServer, type Socket } from 'node:net';

/** A port of this process alone; that nobody listens there any more says that the process has ended. */
export type ProbePort = { readonly port: number; close(): void };

/** The controllers are few, and each holds one connection. */
const connectionsMax = 64;

/** Takes a free port on every address; null where none can be had. */
export async function openProbePort(): Promise<ProbePort | null> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    // Nothing is said here, and what is said all the same is not kept.
    socket.resume();
    socket.unref();
  });
  server.maxConnections = connectionsMax;
  server.unref();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(0, () => resolve(true));
  });
  const address = server.address();
  if (!isListening || address === null || typeof address === 'string') return null;
  return {
    port: address.port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
