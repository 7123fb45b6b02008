import type { SimulatedNode } from '../cluster.ts';
import type { CarryOut, FaultContext } from './fault-context.ts';
import type { ProcessFault } from './fault.ts';

type Kind = ProcessFault['kind'];

export const processFaults: { readonly [K in Kind]: CarryOut<K> } = {
  crash: (context, { target, power, downUs }) =>
    onNode(context, target, (node) => context.cluster.crash(node, power, downUs)),

  crashAll: (context, { power, downUs }) => {
    for (const node of context.cluster.nodes) context.cluster.crash(node, power, downUs);
    return true;
  },

  crashBetweenEffects: (context, { target, calls, counted, power, downUs }) =>
    onNode(context, target, (node) => {
      const crash = (): void => {
        if (!context.isHealed) context.cluster.crash(node, power, downUs);
      };
      node.crashPoint.arm(calls, crash, counted);
    }),

  stop: (context, { target, downUs }) =>
    onNode(context, target, (node) => context.cluster.stop(node, downUs)),

  rollingRestart: (context, { downUs, gapUs }) => {
    for (const [at, node] of context.cluster.nodes.entries()) {
      context.after(at * (downUs + gapUs), () => context.cluster.stop(node, downUs));
    }
    return true;
  },

  pause: (context, { target, forUs }) => onNode(context, target, (node) => node.process.pause(forUs)),

  stall: (context, { target, forUs }) => onNode(context, target, (node) => node.process.stall(forUs)),
};

function onNode(context: FaultContext, target: number, hit: (node: SimulatedNode) => void): boolean {
  const node = context.node(target);
  if (node !== null) hit(node);
  return node !== null;
}
