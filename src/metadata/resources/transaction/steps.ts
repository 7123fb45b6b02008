import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationContext } from '../../operation.ts';
import { finalizedMetadataVersion } from '../feature/supported.ts';
import { transactionsMetadataVersion } from './resource.ts';

/** Whether an operation may have more than one step: older controllers know no record by which these hold together. */
export function hasTransactions(image: MetadataImage): boolean {
  return finalizedMetadataVersion(image) >= transactionsMetadataVersion;
}

/** How many records a step of an operation may have; all of them, while the cluster has no transactions. */
export function recordsPerStep(image: MetadataImage, { recordsPerStepMax }: OperationContext): number {
  return hasTransactions(image)
    ? Math.min(recordsPerStepMax, limits.recordsPerOperationMax)
    : limits.recordsPerOperationMax;
}

/** Whether so many records can be written at all: without transactions all of them stand in one batch. */
export function fitsTransaction(image: MetadataImage, recordCount: number): boolean {
  return hasTransactions(image) || recordCount <= limits.recordsPerOperationMax;
}
