import type { WaitingWork } from '../../src/runtime/node-inspector.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

/** Whoever asks, as far as the world knows. */
export type Askers = {
  /** Requests that somebody waits for. */
  readonly requests: () => number;
  readonly watchers: () => number;
};

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
        for (const [kind, max] of limits(asked, askers.watchers())) {
          if (waiting[kind] <= max) continue;
          const what = `${process.name} keeps ${waiting[kind]} ${kind}`;
          cluster.fail(checker, `${what}, and there are ${max} of them at most that somebody waits for`);
        }
      }
    },
  };
  return checker;
}

function limits(asked: number, watchers: number): readonly (readonly [keyof WaitingWork, number])[] {
  return [
    ['operations', asked],
    ['reads', asked],
    ['offsets', asked],
    ['forwards', asked],
    ['streams', watchers],
  ];
}
