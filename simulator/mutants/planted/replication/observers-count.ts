import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'what observers have counts toward the majority',
  source: 'KIP-595: observers are not counted in the high watermark',
  host: 'bare',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/raft/high-watermark.ts',
      find: `  for (const voter of core.voterSets.voters) {
    if (isLocal(core, voter)) flushed.push(core.log.flushedOffset);
    else flushed.push(progressOf(leadership, voter)?.acknowledgedOffset ?? 0);
  }
  const committed`,
      replace: `  flushed.push(core.log.flushedOffset);
  for (const replica of leadership.replicas) flushed.push(replica.acknowledgedOffset);
  flushed.sort((left, right) => right - left);
  flushed.length = Math.max(1, Math.min(flushed.length, core.voterSets.voters.length));
  const committed`,
    },
    {
      file: 'src/raft/fetch.ts',
      find: `  if (!core.voterSets.isVoter(request.replica)) return;
  const acknowledged`,
      replace: '  const acknowledged',
    },
  ],
};
