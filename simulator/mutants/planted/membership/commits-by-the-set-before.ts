import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a majority of the voter set before commits the change',
  source: 'aeron 2147: a quorum counted at an older voter set; Raft thesis, 4.1',
  host: 'bare',
  workload: 'voter changes',
  mark: 'voter change: made',
  patches: [
    {
      file: 'src/raft/high-watermark.ts',
      find: 'for (const voter of core.voterSets.voters) {',
      replace: 'for (const voter of core.voterSets.committed(core.highWatermark)) {',
    },
    {
      file: 'src/raft/voter-set.ts',
      find: '  /** The record that holds the set in force is not known to be committed. */',
      replace: `  committed(highWatermark: Offset): readonly Voter[] {
    return (this.#records.findLast(({ offset }) => offset < highWatermark) ?? this.#base).voters;
  }

  /** The record that holds the set in force is not known to be committed. */`,
    },
  ],
};
