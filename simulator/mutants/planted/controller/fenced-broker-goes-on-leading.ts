import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker is fenced and keeps its leaderships',
  source: 'KIP-631: fencing removes a broker from every ISR and leadership; protocols 7',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/broker/heartbeat.ts',
      find: '  return { records: [...fences, ...changes], continueWith };',
      replace: '  return { records: changes.length === 0 ? fences : [...fences], continueWith };',
    },
  ],
};
