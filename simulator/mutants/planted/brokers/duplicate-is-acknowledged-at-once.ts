import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a batch that stands in the log is acknowledged before it is committed',
  source: 'protocols 2: a duplicate waits for the high watermark as the original did',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/leader.ts',
      find: '  role.produces.splice(at + 1, 0, { produceId, baseOffset, endOffset });',
      replace: [
        '  if (at < -1) role.produces.splice(at + 1, 0, { produceId, baseOffset, endOffset });',
        "  emit(state, { type: 'completeProduce', produceId, baseOffset });",
      ].join('\n'),
    },
  ],
};
