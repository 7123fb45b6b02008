import { startBroker, type BrokerConfig } from '../broker/start-broker.ts';
import type { LogLevel } from '../runtime/server-config.ts';
import { createLogger } from './pino-logger.ts';

/** A reference broker as a process of its own: it says what happens to it in lines on standard error. */
export function startBrokerProcess(
  config: BrokerConfig & { readonly logLevel: LogLevel },
): ReturnType<typeof startBroker> {
  return startBroker({ ...config, logger: createLogger(config.logLevel, { broker: config.id }) });
}
