import {
  devHost,
  endpointsOfLayout,
  votersOfLayout,
  type DevBroker,
  type DevController,
  type DevLayout,
} from './layout.ts';

/** The command lines of the children: by these one can be started again by hand. */
export function controllerArguments(layout: DevLayout, controller: DevController): readonly string[] {
  const voters = votersOfLayout(layout).map(({ id, host, port }) => `${id}@${host}:${port}`);
  return [
    'dev-controller',
    '--node-id',
    String(controller.id),
    '--data-dir',
    controller.dataDir,
    '--voters',
    voters.join(','),
    '--http',
    `${devHost}:${controller.httpPort}`,
    '--peers',
    `${devHost}:${controller.peerPort}`,
    // Whoever tries it out on this machine is its administrator.
    '--insecure',
  ];
}

export function brokerArguments(layout: DevLayout, broker: DevBroker): readonly string[] {
  return [
    'dev-broker',
    '--id',
    String(broker.id),
    '--port',
    String(broker.port),
    '--rack',
    broker.rack,
    '--endpoints',
    endpointsOfLayout(layout).join(','),
    '--directory',
    broker.directory,
  ];
}
