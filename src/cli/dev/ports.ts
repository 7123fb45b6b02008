import { createServer } from 'node:net';
import { CliFailure } from '../failures.ts';
import { devHost, portsOfLayout, type DevLayout } from './layout.ts';

/** Tries every port before anything is started, so that what is in the way is named at once. */
export async function checkPorts(layout: DevLayout): Promise<void> {
  const taken: number[] = [];
  for (const port of portsOfLayout(layout)) {
    if (!(await isFree(port))) taken.push(port);
  }
  if (taken.length === 0) return;
  const what = taken.length === 1 ? `Port ${taken[0]} is` : `Ports ${taken.join(', ')} are`;
  throw new CliFailure(
    'cannotStart',
    `${what} taken on ${devHost}.`,
    'Is another ottla dev running? Stop it, or start this one with --base-port and --data-dir of its own.',
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: devHost, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
