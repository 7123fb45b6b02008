/** What a node says of itself; one event name in kebab-case, and flat fields. Never used to decide anything. */
export type Logger = {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
};

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export const silentLogger: Logger = { info: () => {}, warn: () => {}, error: () => {} };
