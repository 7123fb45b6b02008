import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker is unfenced only when it has read the whole log',
  source: 'KAFKA-13959: the controller should unfence a broker with a busy metadata log',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/broker/heartbeat.ts',
      find: '  if (body.wantFence === true || !isCaughtUp(row, body)) return unchanged(true, false);',
      replace: `  const isBehind = body.metadataOffset < image.endOffset;
  if (body.wantFence === true || isBehind) return unchanged(true, false);`,
    },
  ],
};
