import { join, resolve } from 'node:path';
import { nodeId } from '../../base/brands.ts';
import type { VoterAddress } from '../../runtime/server-config.ts';

/** Where everything of one `ottla dev` stands; all of it follows from the directory and the first port. */
export type DevLayout = {
  readonly dataDir: string;
  readonly basePort: number;
  readonly controllers: readonly DevController[];
  readonly brokers: readonly DevBroker[];
};

export type DevController = {
  readonly id: number;
  readonly httpPort: number;
  readonly peerPort: number;
  readonly dataDir: string;
  readonly logFile: string;
  readonly url: string;
};

export type DevBroker = {
  readonly id: number;
  /** Records are produced and read there. */
  readonly port: number;
  readonly rack: string;
  readonly directory: string;
  readonly logFile: string;
};

export const devHost = '127.0.0.1';
export const devBasePort = 9_644;
const controllerCount = 3;
const brokerIds = [1, 2, 3] as const;
const portCount = 2 * controllerCount + brokerIds.length;
export const devBasePortMax = 65_535 - portCount + 1;

export function devLayout(dataDir: string, basePort: number): DevLayout {
  const directory = resolve(dataDir);
  const controllers = Array.from({ length: controllerCount }, (_, id): DevController => {
    const httpPort = basePort + 2 * id;
    return {
      id,
      httpPort,
      peerPort: httpPort + 1,
      dataDir: join(directory, `controller-${id}`),
      logFile: join(directory, `controller-${id}.log`),
      url: `http://${devHost}:${httpPort}`,
    };
  });
  const brokers = brokerIds.map(
    (id, index): DevBroker => ({
      id,
      port: basePort + 2 * controllerCount + index,
      rack: `rack-${id}`,
      directory: join(directory, `broker-${id}`),
      logFile: join(directory, `broker-${id}.log`),
    }),
  );
  return { dataDir: directory, basePort, controllers, brokers };
}

export function endpointsOfLayout(layout: DevLayout): readonly string[] {
  return layout.controllers.map((controller) => controller.url);
}

export function votersOfLayout(layout: DevLayout): readonly VoterAddress[] {
  return layout.controllers.map(({ id, peerPort }) => ({ id: nodeId(id), host: devHost, port: peerPort }));
}

export function portsOfLayout(layout: DevLayout): readonly number[] {
  const controllerPorts = layout.controllers.flatMap(({ httpPort, peerPort }) => [httpPort, peerPort]);
  return [...controllerPorts, ...layout.brokers.map((broker) => broker.port)];
}
