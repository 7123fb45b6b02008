/** Nobody asks for a transaction: the leader writes one where an operation does not fit a batch. */
export const operations = {} as const;
