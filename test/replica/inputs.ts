import type { ReplicaInput } from '../../src/replica/types.ts';

/** A replica of broker 1, in tests that step it by hand. */
export const config = {
  brokerId: 1,
  replicaLagTimeMaxMs: 1_000,
  fetchTimeoutMs: 1_000,
  retryBackoffMs: 10,
  fetchRecordsMax: 50,
};

/** An input whose moment the test's own clock says. */
export type Untimed = ReplicaInput extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'nowMs'>
    : never
  : never;
