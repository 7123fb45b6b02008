import { defineStatelessKind } from '../../resource.ts';

/** The ISR has no records of its own: it changes partitions, by their PartitionChangeRecord. */
export const resource = defineStatelessKind('isr');
