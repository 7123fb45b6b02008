import type { RaftCore } from '../src/raft/core.ts';

/** A core whose steps go through `step`; its views stay the live ones of `core`. */
export function withStep(core: RaftCore, step: RaftCore['step']): RaftCore {
  const wrapped: RaftCore = Object.create(core, { step: { value: step, enumerable: true } });
  return wrapped;
}
