export { createClient, type Client } from './create-client.ts';
export { createBroker } from './broker.ts';
export type { Broker, BrokerEnd, BrokerEvent, BrokerListener, BrokerOptions } from './broker-api.ts';
export type { BrokerPartition } from './core/broker-partitions.ts';
export {
  createGroupMember,
  type GroupMember,
  type GroupMemberEnd,
  type GroupMemberEvent,
  type GroupMemberOptions,
  type Leadership,
} from './group-member.ts';
export type { GroupLeader, GroupMemberStateName } from './group-member-core.ts';
export type { BrokerStateName } from './broker-core.ts';
export type { ClientOptions } from './operations-client.ts';
export type { ConnectionFailure, EndpointOutcome, FailureKind } from './connection-failure.ts';
export type { ClientTls, TokenSource } from './exchange.ts';
export { makeToken, type NewToken } from './protocol/bearer-token.ts';
export type { Outcome } from './outcome.ts';
export type { Answer, CallOptions } from './typed.ts';
export type { LocalImage } from './watch/local-image.ts';
export type { WatchEvent, WatchOptions } from './watch/watch.ts';
export type { WatchDelta, WatchRecord, WatchStateRecord } from '../runtime/watch/watch-api.ts';
export {
  defineResource,
  type ResourceDefinition,
  type ResourceKind,
  type ResourceView,
} from '../metadata/resources/custom/kind.ts';
export { type Resource, type ResourcesOfKind, resourcesOf } from '../metadata/resources/custom/rows.ts';
export type { ResourceClient, ResourceEvent } from './resource-client.ts';
/** TypeBox's own, in the version that `defineResource` takes. */
export { type Static, Type } from 'typebox';
export { NoAnswerError, OttlaError, OutcomeUnknownError, UnexpectedAnswerError } from './errors.ts';
