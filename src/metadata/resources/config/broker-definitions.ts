import { type ConfigDefinition, defineConfig } from './definition.ts';
import { topicDefinitions } from './topic-definitions.ts';

const longMax = '9223372036854775807';
const intMax = '2147483647';

/** What one listener may have another value of, as `listener.name.<listener>.<config>`. */
export const listenerDefinitions: readonly ConfigDefinition[] = Object.freeze([
  defineConfig('max.connections', 'int', 'Connections that are taken at a time.', {
    defaultValue: intMax,
    minimum: '0',
  }),
  defineConfig('sasl.jaas.config', 'password', 'The login context of SASL.'),
  defineConfig('ssl.key.password', 'password', 'The password of the private key.'),
  defineConfig('ssl.keystore.location', 'string', 'The file that holds the broker’s key and certificate.'),
  defineConfig('ssl.keystore.password', 'password', 'The password of the key store.'),
  defineConfig('ssl.truststore.location', 'string', 'The file that holds the trusted certificates.'),
  defineConfig('ssl.truststore.password', 'password', 'The password of the trust store.'),
]);

/** Kafka's configs of a broker: what stands in for the configs of its topics, and its own. */
export const brokerDefinitions: readonly ConfigDefinition[] = Object.freeze([
  ...topicDefinitions.flatMap((topic) =>
    topic.brokerName === null ? [] : [standIn(topic, topic.brokerName)],
  ),
  defineConfig(
    'cordoned.log.dirs',
    'list',
    'Log directories that get no new replicas: * for all of them, which cordons the broker (KIP-1066).',
    { defaultValue: '', allowed: ['*'] },
  ),
  defineConfig(
    'follower.replication.throttled.rate',
    'long',
    'Bytes a second that throttled followers fetch at most.',
    {
      defaultValue: longMax,
      minimum: '0',
    },
  ),
  defineConfig(
    'leader.replication.throttled.rate',
    'long',
    'Bytes a second that leaders serve to throttled followers at most.',
    {
      defaultValue: longMax,
      minimum: '0',
    },
  ),
  defineConfig('num.replica.fetchers', 'int', 'Fetchers for each broker that is followed.', {
    defaultValue: '1',
    minimum: '1',
  }),
  ...listenerDefinitions,
]);

function standIn(topic: ConfigDefinition, name: string): ConfigDefinition {
  return Object.freeze({ ...topic, name, brokerName: null });
}
