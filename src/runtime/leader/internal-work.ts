import type { InternalOperation } from '../../metadata/operation.ts';
import type { PendingOperation, Reply } from './operation-queue.ts';

/** The principal of what controllers do of their own accord. */
export const controllerPrincipal = 'controller';

/**
 * Work that nobody asked for: fencing, its continuation, expiry. Nobody waits for its answer. When
 * leadership is lost with it half done, the next leader finds by scan what is left (protocols 7).
 */
export function internalWork(operation: InternalOperation): PendingOperation {
  return {
    name: operation.name,
    priority: operation.priority,
    principal: controllerPrincipal,
    awaitsBarrier: false,
    isInternal: true,
    reply: unheard,
    run: (image, context) => {
      const { records, continueWith, quorumChange = null } = operation.handle(image, context);
      const outcome = { continueWith, quorumChange };
      return { records, outcome, next: null, mayStandAlready: false, answer: () => {} };
    },
  };
}

/**
 * Takes its turn behind the heartbeats that wait already: they are heard before any session is believed to
 * have expired (design 13). `look` is called then.
 */
export function afterHeartbeats(name: string, look: () => void): PendingOperation {
  return {
    name,
    priority: 'heartbeat',
    principal: controllerPrincipal,
    awaitsBarrier: false,
    isInternal: true,
    reply: unheard,
    // Without records it always fits into its batch, and so runs once.
    run: () => {
      look();
      return { records: [], outcome: null, next: null, mayStandAlready: false, answer: () => {} };
    },
  };
}

const unheard: Reply = { isSettled: false, expose: () => {}, succeed: () => {}, fail: () => {} };
