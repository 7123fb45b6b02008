import type { CarryOut } from './fault-context.ts';
import type { ClockFault } from './fault.ts';

type Kind = ClockFault['kind'];

export const clockFaults: { readonly [K in Kind]: CarryOut<K> } = {
  wallJump: (context, { target, byMs }) => {
    const node = context.node(target);
    if (node !== null) node.process.clockFaults.wallOffsetMs += byMs;
    return node !== null;
  },

  suspend: (context, { target, forUs }) => {
    const node = context.node(target);
    node?.process.suspend(forUs);
    return node !== null;
  },

  drift: (context, { target, ppm }) => {
    const node = context.node(target);
    node?.process.setDrift(ppm);
    return node !== null;
  },
};
