import { operationsByName } from '../metadata/operations.ts';
import { limits } from '../metadata/limits.ts';
import type { ResourceKind } from '../metadata/resources/custom/kind.ts';
import { quorumOperations } from '../runtime/quorum-operations/definitions.ts';
import {
  createOperationsClient,
  type ClientOptions,
  type ClientPorts,
  type OperationsBinding,
  type OperationsClient,
} from './operations-client.ts';
import { createResourceClient, type ResourceClient } from './resource-client.ts';
import { nodeOperations, probeOperations } from './protocol/node-operations.ts';

const operations = {
  ...operationsByName,
  ...quorumOperations,
  ...nodeOperations,
  ...probeOperations,
} as const;

export type Client = OperationsClient<typeof operations> & {
  /** The resources of a kind of the user's own. */
  resource<Value>(kind: ResourceKind<Value>): ResourceClient<Value>;
};

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
  return withResources(createOperationsClient(binding, options));
}

/** The same over other connections and another clock than the process's own. */
export function createClientOver(options: ClientOptions, ports: ClientPorts): Client {
  return withResources(createOperationsClient(binding, options, ports));
}

function withResources(operationsClient: OperationsClient<typeof operations>): Client {
  const client: Client = Object.assign(operationsClient, {
    resource: <Value>(kind: ResourceKind<Value>) => createResourceClient(client, kind),
  });
  return client;
}

function sessionIdOf(response: unknown): number | null {
  const isNamed = typeof response === 'object' && response !== null && 'sessionId' in response;
  return isNamed && typeof response.sessionId === 'number' ? response.sessionId : null;
}
