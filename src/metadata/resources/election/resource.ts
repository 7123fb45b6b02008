import { defineStatelessKind } from '../../resource.ts';

/** Elections have no records of their own: they change partitions, by their PartitionChangeRecord. */
export const resource = defineStatelessKind('election');
