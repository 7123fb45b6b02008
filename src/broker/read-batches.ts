import type { ReadAnswer } from './log/read.ts';
import type { Partition } from './partition.ts';

/** Whole batches from the one that holds `from` on, all of them below `to`. */
export function readBatches(
  partition: Partition,
  from: number,
  to: number,
  bytesMax: number,
): Promise<ReadAnswer> {
  return new Promise((resolve) => partition.read(from, to, bytesMax, resolve));
}
