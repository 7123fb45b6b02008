import { assert } from '../base/assert.ts';
import type { AnyOperation } from './execute.ts';
import * as kinds from './kinds.ts';
import type { OperationDefinition } from './operation.ts';

type Kinds = typeof kinds;

/** The operations of every kind, by operationId, each with its own types. */
export type Operations = Flatten<{ readonly [Name in keyof Kinds]: Kinds[Name]['operations'] }>;

type Flatten<Groups> = UnionToIntersection<Groups[keyof Groups]>;
type UnionToIntersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (
  member: infer Intersection,
) => void
  ? Intersection
  : never;

/** One operation, whichever: all that HTTP, the CLI, the documents and the runtime derive from (design 16). */
export type RegisteredOperation = Omit<OperationDefinition, 'handle'> & AnyOperation;

/** Every operation, in the order of `kinds.ts`. */
export const operations: readonly RegisteredOperation[] = Object.freeze(
  Object.values(kinds).flatMap((kind): readonly RegisteredOperation[] => Object.values(kind.operations)),
);

export const operationsById: ReadonlyMap<string, RegisteredOperation> = indexOperations();

function indexOperations(): ReadonlyMap<string, RegisteredOperation> {
  const index = new Map<string, RegisteredOperation>();
  const routes = new Set<string>();
  for (const operation of operations) {
    const { operationId } = operation;
    assert(!index.has(operationId), `two operations are called ${operationId}`);
    const route = `${operation.method} ${operation.path.replaceAll(/\{\w+\}/g, '{}')}`;
    assert(!routes.has(route), `two operations have the route ${route}`);
    index.set(operationId, operation);
    routes.add(route);
  }
  return index;
}

/** The operations by id with their own types, for the typed client. */
export const operationsByName: Operations = collect();

function collect(): Operations {
  const all = Object.assign({}, ...Object.values(kinds).map((kind) => kind.operations)) as Operations;
  return Object.freeze(all);
}
