import { operations } from '../../metadata/operations.ts';
import { quorumOperations } from './definitions.ts';

/** What is asked of the quorum as a whole: operations of the image, and those of the quorum itself. */
export const apiOperations = [...operations, ...Object.values(quorumOperations)] as const;
