import { assert } from './assert.ts';

/**
 * Branded numbers and strings: a value of these types was checked once, where it was made.
 * Only the functions of this file make them.
 */
declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A leader's reign (the Raft paper's term); int32, 0 before the first election. */
export type Epoch = Brand<number, 'Epoch'>;
/** A record's place in the metadata log; a safe integer of at least 0. An end offset is exclusive. */
export type Offset = Brand<number, 'Offset'>;
/** A controller's id; int32 of at least 0. */
export type NodeId = Brand<number, 'NodeId'>;
/** A broker's id; int32 of at least 0. */
export type BrokerId = Brand<number, 'BrokerId'>;
/** 16 bytes as Kafka prints them: 22 characters of base64url without padding. */
export type Uuid = Brand<string, 'Uuid'>;
/** A topic's id, never used again after the topic is deleted. */
export type TopicId = Uuid;

const int32Max = 2 ** 31 - 1;

function isInt32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= int32Max;
}

export function isEpoch(value: unknown): value is Epoch {
  return typeof value === 'number' && isInt32(value);
}

export function isOffset(value: unknown): value is Offset {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export function isNodeId(value: unknown): value is NodeId {
  return typeof value === 'number' && isInt32(value);
}

export function isBrokerId(value: unknown): value is BrokerId {
  return typeof value === 'number' && isInt32(value);
}

const uuidPattern = /^[A-Za-z0-9_-]{21}[AQgw]$/;

export function isUuid(value: unknown): value is Uuid {
  return typeof value === 'string' && uuidPattern.test(value);
}

export function epoch(value: number): Epoch {
  assert(isEpoch(value), `not an epoch: ${value}`);
  return value;
}

export function offset(value: number): Offset {
  assert(isOffset(value), `not an offset: ${value}`);
  return value;
}

export function nodeId(value: number): NodeId {
  assert(isNodeId(value), `not a node id: ${value}`);
  return value;
}

export function brokerId(value: number): BrokerId {
  assert(isBrokerId(value), `not a broker id: ${value}`);
  return value;
}

export function uuid(value: string): Uuid {
  assert(isUuid(value), `not a uuid: ${value}`);
  return value;
}
