import { destination, pino, stdTimeFunctions } from 'pino';
import type { Logger } from '../ports/logger.ts';

/** JSON lines on standard error, so that standard output stays with the command's own words. */
export function createLogger(level: string, bindings: Readonly<Record<string, unknown>>): Logger {
  const options = {
    level,
    base: bindings,
    // For people, too: a number is no level to them, and milliseconds since 1970 are no time.
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = pino(options, destination({ dest: 2, sync: true }));
  return {
    info: (event, fields) => logger.info({ event, ...fields }),
    warn: (event, fields) => logger.warn({ event, ...fields }),
    error: (event, fields) => logger.error({ event, ...fields }),
  };
}
