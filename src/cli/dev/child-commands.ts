import type { Command } from 'commander';
import type { BrokerEvent } from '../../client/broker-api.ts';
import { startBroker, throwIfFailed } from '../commands/broker-start.ts';
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
    .requiredOption('--directory <directory>')
    .action(async (options: BrokerChildOptions) => {
      const life = childLife();
      await telling(life, () => runBroker(options, life, dependencies));
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
  readonly directory: string;
};

/** Several times in Kafka's interval, so that leaving does not wait for the others' next heartbeat. */
const heartbeatIntervalMs = 500;

async function runBroker(
  options: BrokerChildOptions,
  life: ChildLife,
  dependencies: CliDependencies,
): Promise<void> {
  const id = Number(options.id);
  const waits = { areTold: false };
  const broker = await startBroker(
    {
      id,
      controllers: options.endpoints.split(','),
      directory: options.directory,
      listen: { host: devHost, port: positiveInteger(options.port, '--port') },
      rack: options.rack,
      settings: { heartbeatIntervalMs },
      logLevel: 'info',
      onEvent: (event) => {
        if (event.type === 'registered') life.tell({ type: 'registered', brokerEpoch: event.brokerEpoch });
        const text = eventText(id, event, waits);
        if (text !== null) life.tell({ type: 'says', text });
      },
    },
    dependencies,
  );
  life.tell({ type: 'ready' });
  const why = await Promise.race([life.ended, broker.stopped.then(() => null)]);
  throwIfFailed(await broker.stop({ timeoutMs: brokerCloseMs(why) }));
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
