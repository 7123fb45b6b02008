import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader that is no voter any more counts itself',
  source: 'KAFKA-16530; Raft thesis, 4.2.2',
  host: 'bare',
  workload: 'voter changes',
  mark: 'voter change: made',
  patches: [
    {
      file: 'src/raft/high-watermark.ts',
      find: '  const committed = reachedByMajority(flushed) as Offset;',
      replace: `  if (!core.voterSets.isVoter(core.local)) flushed.push(core.log.flushedOffset);
  const committed = reachedByMajority(flushed) as Offset;`,
    },
  ],
};
