import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a heartbeat counts when it is acknowledged, and not when it arrives',
  source: 'design 13; KAFKA-13959: brokers are fenced whose heartbeats arrive',
  host: 'node',
  workload: 'broker relays',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/settlements.ts',
      find: '      const give = (): void => execution.answer(pending.reply, offset);',
      replace: `      const give = (): void => {
        const heard = execution.outcome?.heard;
        const nowMs = this.#options.clock.monotonicMs();
        if (heard !== undefined) this.#options.sessions.heard(heard.brokerId, heard.metadataOffset, nowMs);
        execution.answer(pending.reply, offset);
      };`,
    },
    {
      file: 'src/runtime/leader/settlements.ts',
      find: `    if (heard !== undefined && heard.brokerEpoch < knownBelow) {
      sessions.heard(heard.brokerId, heard.metadataOffset, clock.monotonicMs());
    }
`,
      replace: '',
    },
  ],
};
