/** Where a mutant stood when it was judged, and why nobody can tell it from the program. */
export type Equivalence = { readonly place: string; readonly reason: string };

/**
 * Mutants that do nothing wrong, by hash. A change of the line or of the mistake makes another hash, and
 * asks for another look.
 */
export const equivalentMutants: Readonly<Record<string, Equivalence>> = {
  '042d371cd6a4': {
    place: 'src/raft/fetch-response.ts:18:7 condition side dropped',
    reason: 'Only a follower has a leaderId, and undefined is nobody who could have sent the answer.',
  },
  '06ce4aefa1bc': {
    place: 'src/runtime/log/segmented-log.ts:67:5 call dropped',
    reason: 'The next segment is prepared when it is needed, too; this only does it before anybody waits.',
  },
  '077e0910fe93': {
    place: 'src/raft/read-barrier.ts:79:35 early return dropped',
    reason: 'Without an open barrier the loop that follows has nothing to do.',
  },
  '2ee981deaf32': {
    place: 'src/raft/end-quorum-epoch.ts:63:20 early return dropped',
    reason:
      'The first successor seeks election in the same step, and one that may not has no use for a deadline.',
  },
  '3285d2f07e0a': {
    place: 'src/runtime/log/recent-batches.ts:52:9 comparison off by one',
    reason: 'Where both are equal, the assignment changes nothing.',
  },
  '3c5660540403': {
    place: 'src/raft/check-quorum.ts:52:7 comparison off by one',
    reason: 'Where both are equal, the assignment changes nothing.',
  },
  '0bbba5b06da3': {
    place: 'src/runtime/log/recent-batches.ts:43:9 condition negated',
    reason: 'It decides only when the room of dropped batches is given back.',
  },
  '905a2a9bcf3f': {
    place: 'src/raft/begin-quorum-epoch.ts:73:39 comparison off by one',
    reason: 'The two have been found unequal before.',
  },
  '7b404abc047e': {
    place: 'src/raft/end-quorum-epoch.ts:48:7 condition side dropped',
    reason: 'An epoch has one leader, and nobody but that one ends it.',
  },
  '822ec845d2e1': {
    place: 'src/raft/end-quorum-epoch.ts:48:7 condition side dropped',
    reason: 'An epoch has one leader, and nobody but that one ends it.',
  },
  '6641bab47f03': {
    place: 'src/raft/end-quorum-epoch.ts:48:7 condition side dropped',
    reason: 'An epoch has one leader, and nobody but that one ends it.',
  },
  feaa35606f43: {
    place: 'src/raft/end-quorum-epoch.ts:48:7 condition operator swapped',
    reason: 'An epoch has one leader, and nobody but that one ends it.',
  },
  '1ad3923cbf50': {
    place: 'src/raft/transition.ts:210:5 early return dropped',
    reason:
      'Behind it nothing happens where a leader is known or none is named, and one of these is so by then.',
  },
};
