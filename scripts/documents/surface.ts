import { commonErrors, type Answerer } from '../../src/client/protocol/common-errors.ts';
import type { OperationDescription } from '../../src/client/protocol/description.ts';
import { nodeOperations, probeOperations } from '../../src/client/protocol/node-operations.ts';
import { streamOperations } from '../../src/client/protocol/watch.ts';
import type { ErrorCode } from '../../src/metadata/errors.ts';
import { apiOperations } from '../../src/runtime/quorum-operations/api-operations.ts';

/** An operation of this software, with who answers it. */
export type SurfaceOperation = { readonly operation: OperationDescription; readonly answerer: Answerer };

export const surface: readonly SurfaceOperation[] = [
  ...apiOperations.map((operation) => ({ operation, answerer: 'quorum' as const })),
  ...Object.values(nodeOperations).map((operation) => ({ operation, answerer: 'node' as const })),
  ...Object.values(streamOperations).map((operation) => ({ operation, answerer: 'node' as const })),
  ...Object.values(probeOperations).map((operation) => ({ operation, answerer: 'public' as const })),
];

/** The operations that answer this code as an error of their own, by id. */
export function operationsThatAnswer(code: ErrorCode): readonly string[] {
  return surface
    .filter(({ operation }) => operation.errors.includes(code))
    .map(({ operation }) => operation.operationId)
    .sort();
}

/** Those that answer it as all of their kind do. */
export function operationsThatShare(code: ErrorCode): readonly SurfaceOperation[] {
  return surface.filter(({ operation, answerer }) => commonErrors(operation, answerer).includes(code));
}
