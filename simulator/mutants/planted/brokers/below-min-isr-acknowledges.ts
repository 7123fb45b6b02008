import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader acknowledges while its ISR is below min ISR',
  source: 'KIP-966: the high watermark stands still below min ISR',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/leader.ts',
      find: `  if (view.isr.length < view.minIsr) {
`,
      replace: `  if (view.isr.length < 0) {
`,
    },
    {
      file: 'src/replica/leader.ts',
      find: `  if (view === null || !mayAct(state, role) || view.isr.length < view.minIsr) return;`,
      replace: `  if (view === null || !mayAct(state, role)) return;`,
    },
  ],
};
