import { createSocket, type Socket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

export type ReservedPorts = {
  readonly ports: readonly number[];
  release(): void;
};

/**
 * Below the ranges from which systems take the ports of outgoing connections (32768 on Linux, 49152
 * elsewhere): while a node is down, no client's connection can take the port that it will want back.
 */
const lowestPort = 10_240;
const portsEnd = 32_000;
const attemptsMax = 2_000;

/**
 * Free TCP ports of this machine that no other caller gets, in this process or another, until released: the
 * UDP port of the same number is held meanwhile, and the system frees it when the holder dies.
 */
export async function reservePorts(count: number): Promise<ReservedPorts> {
  const holders: Socket[] = [];
  const ports: number[] = [];
  const release = (): void => {
    for (const holder of holders.splice(0)) holder.close();
  };
  for (let attempt = 0; attempt < attemptsMax && ports.length < count; attempt++) {
    const port = randomInt(lowestPort, portsEnd);
    const holder = await holdUdp(port);
    if (holder === null) continue;
    if (await isTcpFree(port)) {
      ports.push(port);
      holders.push(holder);
    } else holder.close();
  }
  if (ports.length === count) return { ports, release };
  release();
  throw new Error(`found only ${ports.length} of ${count} free ports`);
}

function holdUdp(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: false });
    socket.once('error', () => {
      socket.close();
      resolve(null);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      socket.unref();
      resolve(socket);
    });
  });
}

function isTcpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });
}
