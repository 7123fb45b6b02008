import type { WaitingWork } from '../../src/runtime/node-inspector.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

/** How many requests somebody waits for, as far as the world knows. */
export type Askers = { readonly requests: () => number };

/**
 * Streams are not among them: the word that one is closed may be lost on its way, and it is the HTTP server, which does
 * not run here, that cuts off whoever reads nothing.
 */
const kinds = [
  'operations',
  'reads',
  'offsets',
  'forwards',
] as const satisfies readonly (keyof WaitingWork)[];

/**
 * What a node does of its own accord: it looks for silence, registers itself, fences, and an operator may be changing
 * the voters.
 */
const ownMax = 8;

/**
 * Once all is healed and answered, no queue of a node holds more than what somebody still waits for: what has been
 * answered, given up or lost with a leadership is forgotten. A queue that keeps what nobody asks about any more grows
 * with every failure, and reaches its limit after months and not within a run.
 */
export function nothingWaitsForNobody(cluster: ClusterObservation, askers: Askers): Checker {
  const checker: Checker = {
    name: 'nothing waits that nobody waits for',
    source: 'design, "Running": admission; style 9; src/runtime/limits.ts',
    atEnd() {
      const asked = askers.requests() + ownMax;
      for (const { view, process } of cluster.nodes) {
        const waiting = view?.waiting ?? null;
        // What is appended and not committed yet is under way, whether or not anybody waits for its answer.
        if (view === null || waiting === null || view.highWatermark < view.logEndOffset) continue;
        for (const kind of kinds) {
          if (waiting[kind] <= asked) continue;
          const what = `${process.name} keeps ${waiting[kind]} ${kind}`;
          cluster.fail(checker, `${what}, and there are ${asked} of them at most that somebody waits for`);
        }
      }
    },
  };
  return checker;
}
