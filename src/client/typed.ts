import type { Static, TSchema } from 'typebox';
import type { BrokerId, Epoch, NodeId, Offset, Uuid } from '../base/brands.ts';
import type { OperationDescription, OperationDescriptions } from './protocol/description.ts';

/** The flat input of an operation: its path, query and body fields in one object. */
export type InputOf<Operation> =
  Operation extends OperationDescription<infer Params, infer Query, infer Body, TSchema>
    ? Plain<Flat<Static<Params> & Static<Query> & Static<Body>>>
    : never;

export type ResponseOf<Operation> =
  Operation extends OperationDescription<TSchema, TSchema, TSchema, infer Response>
    ? Static<Response>
    : never;

type Flat<Fields> = { readonly [Name in keyof Fields]: Fields[Name] };

/** Branded values are checked by the server; callers have texts and numbers. */
type Plain<Value> = Value extends Uuid
  ? string
  : Value extends Offset | Epoch | BrokerId | NodeId
    ? number
    : Value extends readonly (infer Item)[]
      ? readonly Plain<Item>[]
      : Value extends object
        ? { readonly [Name in keyof Value]: Plain<Value[Name]> }
        : Value;

/** `client.createTopic({ name: 'orders', partitions: 6 })`, one method for each operation. */
export type OperationMethods<Operations extends OperationDescriptions> = {
  readonly [Id in keyof Operations]: OperationMethod<InputOf<Operations[Id]>, ResponseOf<Operations[Id]>>;
};

type OperationMethod<Input, Response> =
  Record<never, never> extends Input
    ? (input?: Input, options?: CallOptions) => Promise<Response>
    : (input: Input, options?: CallOptions) => Promise<Response>;

export type CallOptions = {
  /** How long the call may take, all attempts together. */
  readonly timeoutMs?: number;
  /** How often it is tried at most; until the time is over when absent. */
  readonly attemptsMax?: number;
  readonly signal?: AbortSignal;
  /** `stale` answers from whichever node is asked, at or after everything this client has seen. */
  readonly consistency?: 'linearizable' | 'stale';
  /** Of a read: the state at this very offset, an end of a batch such as that of an answer before. */
  readonly atOffset?: number;
  /** The resource must not have changed since this offset (`If-Match`). */
  readonly ifMatch?: number;
  /** False sends a write without a key: at most once, and its outcome may stay unknown. */
  readonly exactlyOnce?: boolean;
  /** True says what a write would do, and does nothing. Ids that it names are made up, and nothing is kept for it. */
  readonly validateOnly?: boolean;
};

/** A response with where it comes from. */
export type Answer<Response> = {
  readonly response: Response;
  /** Committed offset (exclusive end) that it reflects. */
  readonly offset: number;
  readonly epoch: number;
  readonly leaderId: number | null;
  readonly forwarded: boolean;
  readonly attempts: number;
};
