import type { Command } from 'commander';
import { assertDefined } from '../../base/assert.ts';
import type { BrokerConfig, RunningBroker, RunningBrokerEnd } from '../../broker/start-broker.ts';
import type { BrokerEvent } from '../../client/broker-api.ts';
import { parseEndpoint, type LogLevel } from '../../runtime/server-config.ts';
import { type CliDependencies, readTls, readToken } from '../context.ts';
import { CliFailure } from '../failures.ts';
import { withSettings } from '../settings/options.ts';
import { signalled } from '../signals.ts';
import { settingsOf } from './server-config.ts';

/** The settings of a broker, by their names. */
export type BrokerStartOptions = {
  readonly id: number;
  readonly controllers: readonly string[];
  readonly directory: string;
  readonly listen: string;
  readonly advertise?: string;
  readonly rack?: string;
  readonly insecure: boolean;
  readonly tlsAuthority?: string;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
  readonly tokenFile?: string;
  readonly set: readonly string[];
  readonly logLevel: LogLevel;
};

const startExample = `
A reference and test broker: for production data use Apache Kafka, or your own.

Example, the first of three brokers on one machine:
  ottla broker start --id 1 --directory ./broker-1 --listen 127.0.0.1:9092`;

export function addBrokerStart(broker: Command, dependencies: CliDependencies): void {
  const { environment, terminal } = dependencies;
  withSettings(broker.command('start'), 'broker', environment)
    .description('Run a reference broker until a signal ends it.')
    .addHelpText('after', startExample)
    .action(async (options: BrokerStartOptions) => {
      const say = (text: string): void => terminal.err(text);
      const running: { broker: RunningBroker | null } = { broker: null };
      const onEvent = (event: BrokerEvent): void => {
        if (event.type === 'unfenced')
          say(servesLine(options.id, running.broker?.url ?? '', event.brokerEpoch));
      };
      const token = environment['OTTLA_TOKEN'];
      const config = readBrokerConfig({ ...options, ...(token === undefined ? {} : { token }) });
      const broker = await startBroker({ ...config, onEvent }, dependencies);
      running.broker = broker;
      say(`Broker ${options.id} listens on ${broker.url} and waits for the controllers. Ctrl-C stops it.\n`);
      await runUntilEnded(broker, signalled());
    });
}

function servesLine(id: number, url: string, brokerEpoch: number): string {
  return `Broker ${id} serves ${url}; its epoch is ${brokerEpoch}. Ctrl-C stops it.\n`;
}

/** Each value has been checked by itself. */
export function readBrokerConfig(
  options: BrokerStartOptions & { readonly token?: string },
): BrokerConfig & { readonly logLevel: LogLevel } {
  const { id, controllers, directory, listen, advertise, rack, insecure, logLevel } = options;
  const tls = readTls(options);
  const token = readToken(options);
  return {
    id,
    controllers,
    directory,
    listen: addressOf(listen),
    insecure,
    logLevel,
    settings: settingsOf(options.set),
    ...(advertise === undefined ? {} : { advertised: addressOf(advertise) }),
    ...(rack === undefined ? {} : { rack }),
    ...(tls === null ? {} : { tls }),
    ...(token === null ? {} : { token }),
  };
}

function addressOf(text: string): BrokerConfig['listen'] {
  return assertDefined(parseEndpoint(text), 'the settings have been checked');
}

export async function startBroker(
  config: BrokerConfig & { readonly logLevel: LogLevel },
  dependencies: CliDependencies,
): Promise<RunningBroker> {
  const started = await dependencies.startBroker(config);
  if (started.ok) return started.value;
  throw new CliFailure('cannotStart', started.error.message, `Broker ${config.id} was not started.`);
}

/** Resolves when the broker was asked to end and has; rejects when it ended by itself. */
async function runUntilEnded(broker: RunningBroker, asked: Promise<unknown>): Promise<void> {
  const first = await Promise.race([asked.then(() => null), broker.stopped]);
  throwIfFailed(first ?? (await broker.stop()));
}

export function throwIfFailed(end: RunningBrokerEnd): void {
  if (end.reason === 'asked') return;
  throw new CliFailure(
    'stopped',
    `The broker stopped: ${end.message}`,
    'Mend what it names, then start it again.',
  );
}
