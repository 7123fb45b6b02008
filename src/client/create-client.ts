import { operationsByName } from '../metadata/operations.ts';
import { limits } from '../metadata/limits.ts';
import { quorumOperations } from '../runtime/quorum-operations/definitions.ts';
import {
  createOperationsClient,
  type ClientOptions,
  type ClientPorts,
  type OperationsBinding,
  type OperationsClient,
} from './operations-client.ts';
import { nodeOperations, probeOperations } from './protocol/node-operations.ts';

const operations = {
  ...operationsByName,
  ...quorumOperations,
  ...nodeOperations,
  ...probeOperations,
} as const;

export type Client = OperationsClient<typeof operations>;

const binding: OperationsBinding<typeof operations> = {
  operations,
  probes: new Set(Object.keys(probeOperations)),
  openSession: { operationId: 'openSession', input: {}, sessionIdOf },
  sessionWindow: limits.sessionWindow,
};

/**
 * A client for a cluster: one method for each of its operations. Writes are carried out exactly once, by a
 * session that is opened at the first of them. Rejects with OttlaError (a definite answer),
 * OutcomeUnknownError (a write that may or may not have taken effect) or NoAnswerError.
 */
export function createClient(options: ClientOptions): Client {
  return createOperationsClient(binding, options);
}

/** The same over other connections and another clock than the process's own. */
export function createClientOver(options: ClientOptions, ports: ClientPorts): Client {
  return createOperationsClient(binding, options, ports);
}

function sessionIdOf(response: unknown): number | null {
  const isNamed = typeof response === 'object' && response !== null && 'sessionId' in response;
  return isNamed && typeof response.sessionId === 'number' ? response.sessionId : null;
}
