/** Kafka's types of configs, as far as they are used. */
export type ConfigType = 'boolean' | 'int' | 'long' | 'double' | 'string' | 'list' | 'password';

/**
 * What is known of one config: its Kafka name, type, default and range.
 * 1. Values are texts, as in Kafka; `minimum` and `maximum` are inclusive and written as values are. A list with a
 *    `minimum` is one of whole numbers, each of which it holds for.
 * 2. `allowed` names what a text, or each member of a list, may be; null for anything.
 * 3. A password is sensitive: nobody is shown its value.
 */
export type ConfigDefinition = {
  readonly name: string;
  readonly type: ConfigType;
  /** Null: nothing is in force where nothing is set. */
  readonly defaultValue: string | null;
  readonly minimum: string | null;
  readonly maximum: string | null;
  readonly allowed: readonly string[] | null;
  /** Of a topic's config: the config of brokers that gives the value where the topic has none of its own. */
  readonly brokerName: string | null;
  readonly documentation: string;
};

type Details = Partial<
  Pick<ConfigDefinition, 'minimum' | 'maximum' | 'allowed' | 'brokerName' | 'defaultValue'>
>;

export function defineConfig(
  name: string,
  type: ConfigType,
  documentation: string,
  details: Details = {},
): ConfigDefinition {
  return Object.freeze({
    name,
    type,
    defaultValue: null,
    minimum: null,
    maximum: null,
    allowed: null,
    brokerName: null,
    documentation,
    ...details,
  });
}

export function isSensitive({ type }: ConfigDefinition): boolean {
  return type === 'password';
}
