import type { PlantedBug } from '../../planted-bug.ts';

/** Messages go out at once, whatever they rest on. */
export const bug: PlantedBug = {
  name: 'sends before the vote is durable',
  source: 'Raft paper, Figure 2: "updated on stable storage before responding to RPCs"',
  host: 'bare',
  workload: 'mixed',
  mark: 'role candidate',
  patches: [
    {
      file: 'src/raft/core-state.ts',
      find: "else core.effects.push({ type: 'sendMessage', to, message, after: core.gateIoId });",
      replace: "else core.effects.push({ type: 'sendMessage', to, message });",
    },
  ],
};
