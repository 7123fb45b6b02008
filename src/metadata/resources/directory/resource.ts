import { defineStatelessKind } from '../../resource.ts';

/** Where replicas are has no records of its own: it stands in registrations and in partitions. */
export const resource = defineStatelessKind('directory');
