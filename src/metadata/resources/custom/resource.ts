import { defineStatelessKind } from '../../resource.ts';

/** The operations on users' kinds have no state of their own: each kind has one, under its own name. */
export const resource = defineStatelessKind('custom');
