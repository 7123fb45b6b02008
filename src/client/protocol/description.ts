import type { TSchema } from 'typebox';
import type { OperationDefinition } from '../../metadata/operation.ts';

/**
 * What the surface needs of an operation: everything but how it is carried out. Operations of the image
 * and those of a single node both fit, so that routes, typed client and command line treat them alike
 * (design 16).
 */
export type OperationDescription<
  Params extends TSchema = TSchema,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
  Response extends TSchema = TSchema,
> = Omit<OperationDefinition<Params, Query, Body, Response>, 'handle'>;

/** Operations by their id. */
export type OperationDescriptions = Readonly<Record<string, OperationDescription>>;
