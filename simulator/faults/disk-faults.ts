import type { SimulatedNode } from '../cluster.ts';
import type { CarryOut, FaultContext } from './fault-context.ts';
import type { DiskFault } from './fault.ts';
import { damageStored } from './rot.ts';

type Kind = DiskFault['kind'];

export const diskFaults: { readonly [K in Kind]: CarryOut<K> } = {
  slowDisk: (context, { target, factor, forUs }) =>
    onNode(context, target, (node) => {
      setSlowness(node, factor);
      context.after(forUs, () => setSlowness(node, 1));
    }),

  stallDisk: (context, { target, forUs }) =>
    onNode(context, target, (node) => {
      node.disk.stalls.begin();
      node.stores.stalls.begin();
      context.after(forUs, () => {
        node.disk.stalls.end();
        node.stores.stalls.end();
      });
    }),

  failDisk: (context, { target, operation, spared = 0, times = 1 }) =>
    onNode(context, target, (node) => {
      if (operation === 'store') {
        node.stores.failNextWrites = times;
        return;
      }
      node.disk.failNext[operation] = times;
      node.disk.spareNext[operation] = spared;
    }),

  fullDisk: (context, { target, forUs }) =>
    onNode(context, target, (node) => {
      setRoom(node, 'full');
      context.after(forUs, () => setRoom(node, 'enough'));
    }),

  lowDisk: (context, { target, forUs }) =>
    onNode(context, target, (node) => {
      setRoom(node, 'low');
      context.after(forUs, () => setRoom(node, 'enough'));
    }),

  rot: (context, { target, choice, downUs }) => {
    const node = context.node(target);
    if (node === null) return false;
    context.cluster.crash(node, false, downUs);
    if (damageStored(node, choice)) context.cluster.markDamaged(node);
    return true;
  },

  misdirect: (context, { target, choice }) =>
    onNode(context, target, (node) => {
      node.disk.misdirectNext = {
        choice,
        onHappened: (path) => {
          context.world.say(() => `a write to ${path} of ${node.process.name} lands elsewhere`);
          context.cluster.markDamaged(node);
        },
      };
    }),

  wipe: (context, { target, downUs }) =>
    onNode(context, target, (node) => context.cluster.wipe(node, downUs)),
};

function setSlowness(node: SimulatedNode, factor: number): void {
  node.disk.slowness = factor;
  node.stores.slowness = factor;
}

/** Below every node's reserve, and above the quarter of it at which a follower takes nothing more. */
const lowRoomBytes = 50_000;

function setRoom(node: SimulatedNode, room: SimulatedNode['stores']['room']): void {
  const leftBytes = { full: 0, low: lowRoomBytes, enough: Number.MAX_SAFE_INTEGER }[room];
  const usedBytes = room === 'enough' ? 0 : node.disk.names.bytesUsed();
  node.disk.capacityBytes = usedBytes + leftBytes;
  node.stores.room = room;
}

function onNode(context: FaultContext, target: number, hit: (node: SimulatedNode) => void): boolean {
  const node = context.node(target);
  if (node !== null) hit(node);
  return node !== null;
}
