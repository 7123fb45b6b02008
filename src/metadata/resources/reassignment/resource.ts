import { defineStatelessKind } from '../../resource.ts';

/** A reassignment has no records of its own: it stands in its partition, and changes it by a PartitionChangeRecord. */
export const resource = defineStatelessKind('reassignment');
