import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'pre-votes are granted to everybody',
  source: 'Raft thesis, 9.6; hashicorp/raft 530; etcd 9333: a server that rejoins deposes the leader',
  host: 'bare',
  workload: 'long partitions',
  mark: 'pre-vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  if (request.epoch < core.quorum.epoch) return false;
  if (core.quorum.recovering) {
    coverageMark('pre-vote`,
      replace: `  if (request.epoch <= core.quorum.epoch) return true;
  if (core.quorum.recovering) {
    coverageMark('pre-vote`,
    },
  ],
};
