import type { Effect } from '../../src/raft/effects.ts';
import type { Input } from '../../src/raft/inputs.ts';
import type { RaftCore } from '../../src/raft/core.ts';
import type { SimulatedNode, WrapCore } from '../cluster.ts';
import { withStep } from '../with-step.ts';

/**
 * A planted bug: a wrapper that changes what goes into the core or what comes out of it, as a mistake in
 * the core would. It knows nothing of the checkers, and they know nothing of it.
 */
export type Mutant = {
  readonly name: string;
  /** Where the mistake was made in earnest, or which rule it breaks. */
  readonly source: string;
  readonly wrapCore: WrapCore;
};

/** What a mutated step may use: the core as it was, and the node it runs in. */
export type MutatedStep = (
  input: Input,
  step: (input: Input) => ReturnType<RaftCore['step']>,
  node: SimulatedNode,
) => ReturnType<RaftCore['step']>;

export function mutant(name: string, source: string, mutate: () => MutatedStep): Mutant {
  return {
    name,
    source,
    wrapCore: (core, node) => {
      const mutated = mutate();
      const step = (input: Input): ReturnType<RaftCore['step']> => core.step(input);
      return withStep(core, (input) => mutated(input, step, node));
    },
  };
}

/** A step's result with other effects. */
export function withEffects(
  result: ReturnType<RaftCore['step']>,
  effects: readonly Effect[],
): ReturnType<RaftCore['step']> {
  return { ...result, effects };
}

/** Two steps as one: their effects in order, and the later wake-up. */
export function joined(
  first: ReturnType<RaftCore['step']>,
  second: ReturnType<RaftCore['step']>,
): ReturnType<RaftCore['step']> {
  return { ...second, effects: [...first.effects, ...second.effects] };
}
