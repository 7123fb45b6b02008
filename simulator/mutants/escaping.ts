const notHuntedSince = 'not hunted yet since eligible leader replicas and reassignments stand together';

/**
 * Planted bugs that no search has found yet, by their places, each with what was tried and what seems to be
 * missing. They are targets: the generator or the checkers are too narrow for them. A hunt without names leaves
 * them out; one that is hunted by name and caught leaves this list.
 */
export const escaping: Readonly<Record<string, string>> = {
  'brokers/deep-cut-is-not-rebuilt':
    'one of three searches finds it, in 433 seeds; the others had not in 750: a replica that has started anew must be cut to below where it began, lead before anything else is appended, and be sent again what stands below the cut',
  'reassignment/accepted-isr-is-forgotten':
    'found once, in 6 seeds of a first search, and not yet hunted to its end: the replica must be added, in sync and the leader removed while records wait',
  'reassignment/elected-one-is-not-asked': notHuntedSince,
  'transactions/goes-on-without-its-caller':
    'not found in 63, 63 and 34 seeds, and not hunted further: a caller without a key must give up within a transaction whose log stands still, and whose leader stays; a unit test has it',
  'storage/zeros-are-trusted-from-the-page-cache':
    'two of about 9,000 seeds of disk trouble find it (9100199 and 9100411, bare), and not one of three searches in 2,300 each: a frame must be torn, the flush of the zeros over it fail, and the next frame go to another segment before power fails again; a unit test and a kept schedule have it',
};
