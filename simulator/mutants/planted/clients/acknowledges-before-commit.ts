import type { PlantedBug } from '../../planted-bug.ts';

/** A write is acknowledged when the leader has appended it. */
export const bug: PlantedBug = {
  name: 'acknowledges a write before it is committed',
  source: 'Raft paper, 5.3; Kafka acks=1',
  host: 'bare',
  workload: 'mixed',
  mark: 'role leader',
  patches: [
    {
      file: 'src/raft/proposals.ts',
      find: `role.leadership.pendingProposals.push({ proposalId, baseOffset, endOffset, sizeInBytes });
  role.leadership.pendingBytes += sizeInBytes;`,
      replace: "core.effects.push({ type: 'completeProposal', proposalId, baseOffset, endOffset });",
    },
  ],
};
