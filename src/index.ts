/**
 * Ottla as a library: embed a controller, register brokers, ask a cluster.
 *
 * ```ts
 * const controller = await createController({
 *   nodeId: 0,
 *   dataDir: './data-0',
 *   voters: '0@127.0.0.1:9645',
 *   http: '127.0.0.1:9644',
 *   // Nobody is asked who they are; without it, callers show tokens (docs/SECURITY.md).
 *   insecure: true,
 * });
 * ```
 */
export {
  createController,
  ControllerStartError,
  type Controller,
  type CreateControllerOptions,
} from './server/create-controller.ts';
export type { AdministratorNotice } from './runtime/server-config.ts';
export type { ConfigAlteration, Policies, TopicCreation } from './metadata/policy.ts';
export * from './client/index.ts';
export { errorCatalogue, type ErrorCode } from './metadata/errors.ts';
export type { ControllerSettings } from './runtime/node-options.ts';
