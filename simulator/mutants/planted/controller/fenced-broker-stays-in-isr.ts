import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker that is fenced stays in its ISRs, and comes back in them',
  source: 'KIP-841; KAFKA-15586: what an unclean restart may have lost; protocols 3',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/topic/leadership.ts',
      find: '  const isr = active.length > 0 ? active : lastMember(before, isUnclean);',
      replace: '  const isr = active.length > 0 ? before.isr : lastMember(before, isUnclean);',
    },
    {
      file: 'src/metadata/resources/broker/heartbeat.ts',
      find: `  if (!isSettled(image.topic, row.brokerId, standingOf(image))) return unchanged(true, false);
`,
      replace: '',
    },
  ],
};
