/**
 * A reference broker in your own process: it stores and replicates what a cluster's metadata assign to it, by the
 * rules of docs/BROKERS.md. For tests, and to read; README.md of this folder says what it is not.
 */
export {
  startBroker,
  type BrokerConfig,
  type BrokerStartError,
  type RunningBroker,
  type RunningBrokerEnd,
} from './start-broker.ts';
export { defaultBrokerSettings, type BrokerSettings } from './settings.ts';
