/**
 * Planted bugs that no search has found yet, by their places, each with what was tried and what seems to be
 * missing. They are targets: the generator or the checkers are too narrow for them. A hunt without names leaves
 * them out; one that is hunted by name and caught leaves this list.
 */
export const escaping: Readonly<Record<string, string>> = {
  'reassignment/accepted-isr-is-forgotten':
    'found once, in 6 seeds of a first search, and not yet hunted to its end: the replica must be added, in sync and the leader removed while records wait',
};
