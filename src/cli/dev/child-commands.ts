import { createServer, type Server } from 'node:http';
import type { Command } from 'commander';
import { createBroker } from '../../client/broker.ts';
import type { Broker, BrokerEvent } from '../../client/broker-api.ts';
import { readServerConfig, startServer, type StartOptions } from '../commands/server.ts';
import { positiveInteger, type CliDependencies } from '../context.ts';
import { CliFailure, describeFailure } from '../failures.ts';
import { withFlagsAlone } from '../settings/options.ts';
import { brokerCloseMs, childLife, type ChildLife } from './child-life.ts';
import { devHost } from './layout.ts';

/** The verbs of the children of `ottla dev`. They can be started by hand as well, to bring one back. */
export function addDevChildCommands(program: Command, dependencies: CliDependencies): void {
  withFlagsAlone(program.command('dev-controller', { hidden: true }), 'server').action(
    async (options: StartOptions) => {
      const life = childLife();
      await telling(life, () => runController(options, life, dependencies));
    },
  );
  program
    .command('dev-broker', { hidden: true })
    .requiredOption('--id <id>')
    .requiredOption('--port <port>')
    .requiredOption('--rack <rack>')
    .requiredOption('--endpoints <urls>')
    .action(async (options: BrokerChildOptions) => {
      const life = childLife();
      await telling(life, () => runBroker(options, life));
    });
}

/** A parent shows why a child did not come up; the child's own log has it too. */
async function telling(life: ChildLife, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    life.tell({ type: 'failed', message: describeFailure(error).message });
    throw error;
  } finally {
    life.release();
  }
}

async function runController(
  options: StartOptions,
  life: ChildLife,
  dependencies: CliDependencies,
): Promise<void> {
  const running = await startServer(readServerConfig(options), dependencies);
  life.tell({ type: 'ready' });
  const end = await Promise.race([life.ended.then(() => null), running.stopped]);
  if (end === null) await running.stop();
  const result = end ?? (await running.stopped);
  if (result.reason === 'asked') return;
  throw new CliFailure('stopped', `The controller stopped: ${result.message}`, 'Mend what it names.');
}

type BrokerChildOptions = {
  readonly id: string;
  readonly port: string;
  readonly rack: string;
  readonly endpoints: string;
};

/** Several times in Kafka's interval, so that leaving does not wait for the others' next heartbeat. */
const heartbeatIntervalMs = 500;

async function runBroker(options: BrokerChildOptions, life: ChildLife): Promise<void> {
  const id = Number(options.id);
  const port = positiveInteger(options.port, '--port');
  const broker = createBroker({
    controllers: options.endpoints.split(','),
    id,
    listeners: [{ name: 'HTTP', host: devHost, port }],
    rack: options.rack,
    heartbeatIntervalMs,
  });
  const waits = { areTold: false };
  broker.subscribe((event) => {
    if (event.type === 'registered') life.tell({ type: 'registered', brokerEpoch: event.brokerEpoch });
    const text = eventText(id, event, waits);
    if (text !== null) life.tell({ type: 'says', text });
  });
  const page = await showState(broker, port);
  life.tell({ type: 'ready' });
  const why = await Promise.race([life.ended, broker.stopped.then(() => null)]);
  const end = await broker.close({ timeoutMs: brokerCloseMs(why) });
  page.close();
  page.closeAllConnections();
  if (end.failure !== null) throw new CliFailure('stopped', end.failure.message, 'Mend what it names.');
}

/** What a broker alone can know; fencing is told by the controllers' view. */
function eventText(id: number, event: BrokerEvent, waits: { areTold: boolean }): string | null {
  switch (event.type) {
    case 'registered':
      waits.areTold = false;
      return `broker ${id} registered, its epoch is ${event.brokerEpoch}`;
    case 'registrationLost':
      return `broker ${id} registers anew: ${event.reason}`;
    case 'retrying':
      // Said once for each wait, not for each attempt.
      if (event.code !== 'DUPLICATE_BROKER_REGISTRATION' || waits.areTold) return null;
      waits.areTold = true;
      return `broker ${id} waits for the session of its former process to end (up to 9 s)`;
    case 'fenced':
      return `broker ${id} has lost its lease: ${event.reason}`;
    case 'unfenced':
    case 'stopped':
      return null;
    default:
      return null;
  }
}

/** The address that the broker registers is a real one: it answers what the broker believes of itself. */
async function showState(broker: Broker, port: number): Promise<Server> {
  const server = createServer((_request, response) => {
    const { id, state, brokerEpoch, incarnationId, lease } = broker;
    const view = { brokerId: id, state, brokerEpoch, incarnationId, holdsLease: !lease.aborted };
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify(view)}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new CliFailure('cannotStart', `Port ${port} cannot be used: ${error.message}.`, 'Choose another.'),
      ),
    );
    server.listen(port, devHost, resolve);
  });
  return server;
}
