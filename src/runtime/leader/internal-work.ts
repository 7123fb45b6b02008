import type { InternalOperation } from '../../metadata/operation.ts';
import type { PendingOperation, Reply } from './operation-queue.ts';

/** The principal of what the leader does of its own accord. */
const controllerPrincipal = 'controller';

/**
 * Work that nobody asked for: fencing, its continuation, expiry. Nobody waits for its answer. When
 * leadership is lost with it half done, the next leader finds by scan what is left (protocols 7).
 */
export function internalWork(operation: InternalOperation): PendingOperation {
  return {
    name: operation.name,
    priority: operation.priority,
    principal: controllerPrincipal,
    isHeartbeat: false,
    reply: unheard,
    run: (image, context) => {
      const { records, continueWith } = operation.handle(image, context);
      return { records, outcome: { continueWith }, answer: () => {} };
    },
  };
}

const unheard: Reply = { isSettled: false, succeed: () => {}, fail: () => {} };
