import type { SimulatedNode } from '../cluster.ts';
import type { CarryOut, FaultContext } from './fault-context.ts';
import type { NetworkFault } from './fault.ts';

type Kind = NetworkFault['kind'];
type Direction = 'both' | 'in' | 'out';

export const networkFaults: { readonly [K in Kind]: CarryOut<K> } = {
  isolate: (context, { target, direction, forUs }) =>
    eachLink(context, target, direction, (from, to) => cutFor(context, from, to, forUs)),

  split: (context, { side, forUs }) => cutSides(context, side, forUs, null),

  bridge: (context, { target, side, forUs }) => cutSides(context, side, forUs, target),

  cutPair: (context, { from, to, isOneWay, forUs }) => {
    const [one, other] = [context.node(from), context.node(to)];
    if (one === null || other === null || one === other) return false;
    cutFor(context, one, other, forUs);
    if (!isOneWay) cutFor(context, other, one, forUs);
    return true;
  },

  flap: (context, { target, periodUs, forUs }) => {
    if (context.node(target) === null) return false;
    for (let atUs = 0; atUs < forUs; atUs += 2 * periodUs) {
      context.after(atUs, () => {
        eachLink(context, target, 'both', (from, to) => cutFor(context, from, to, periodUs));
      });
    }
    return true;
  },

  reset: (context, { target }) => {
    const node = context.node(target);
    if (node === null) return false;
    for (const peer of context.peersOf(node)) context.world.network.reset(node.process, peer.process);
    return true;
  },

  clog: (context, { target, direction, factor, forUs }) =>
    eachLink(context, target, direction, (from, to) => {
      const { network } = context.world;
      network.clog(from.process, to.process, factor);
      context.after(forUs, () => network.clog(from.process, to.process, 1));
    }),

  storm: (context, { lossPerMille, duplicatePerMille, forUs }) => {
    const { network } = context.world;
    const calm = network.storm;
    network.storm = { lossPerMille, duplicatePerMille };
    // A storm that began meanwhile goes on.
    const own = network.storm;
    context.after(forUs, () => {
      if (network.storm === own) network.storm = calm;
    });
    return true;
  },
};

function eachLink(
  context: FaultContext,
  target: number,
  direction: Direction,
  visit: (from: SimulatedNode, to: SimulatedNode) => void,
): boolean {
  const node = context.node(target);
  if (node === null) return false;
  for (const peer of context.peersOf(node)) {
    if (direction !== 'in') visit(node, peer);
    if (direction !== 'out') visit(peer, node);
  }
  return true;
}

function cutSides(context: FaultContext, side: number, forUs: number, bridge: number | null): boolean {
  const { nodes } = context.cluster;
  for (const from of nodes) {
    for (const to of nodes) {
      if (from.index === bridge || to.index === bridge) continue;
      const isCut = ((side >>> from.index) & 1) !== ((side >>> to.index) & 1);
      if (isCut) cutFor(context, from, to, forUs);
    }
  }
  return true;
}

function cutFor(context: FaultContext, from: SimulatedNode, to: SimulatedNode, forUs: number): void {
  const { network } = context.world;
  network.cut(from.process, to.process);
  context.after(forUs, () => network.mend(from.process, to.process));
}
