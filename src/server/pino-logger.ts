import { destination, pino } from 'pino';
import type { Logger } from '../ports/logger.ts';

/** JSON lines on standard error, so that standard output stays with the command's own words. */
export function createLogger(level: string, bindings: Readonly<Record<string, unknown>>): Logger {
  const logger = pino({ level, base: bindings }, destination({ dest: 2, sync: true }));
  return {
    info: (event, fields) => logger.info({ event, ...fields }),
    warn: (event, fields) => logger.warn({ event, ...fields }),
    error: (event, fields) => logger.error({ event, ...fields }),
  };
}
