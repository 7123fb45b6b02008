import { quorumStateNames } from '../../src/runtime/quorum-state/quorum-state-copies.ts';
import type { SimulatedNode } from '../cluster.ts';

/**
 * Damages what a node that is down has stored, as `choice` says: its database of checkpoints, both copies of
 * its quorum state, or, as a rule, one bit of one byte in one of its files. False when there is nothing to damage.
 */
export function damageStored(node: SimulatedNode, choice: number): boolean {
  const where = (choice >>> 12) % 8;
  if (where < 2 && node.stores.damage(where === 0 ? 'at open' : 'when read')) return true;
  if (where === 2 && damageQuorumState(node, choice)) return true;
  return damageOneBit(node, choice);
}

/** With both copies gone the node has forgotten its vote. */
function damageQuorumState({ disk }: SimulatedNode, choice: number): boolean {
  const paths = disk.paths().filter((path) => quorumStateNames.some((name) => path.endsWith(name)));
  return paths.map((path) => disk.corrupt(path, 0, 1 << (choice % 8))).includes(true);
}

function damageOneBit({ disk }: SimulatedNode, choice: number): boolean {
  const files = disk
    .paths()
    .map((path) => ({ path, usedBytes: usedBytesOf(disk.bytes(path) ?? new Uint8Array()) }))
    .filter(({ usedBytes }) => usedBytes > 0);
  const file = files[choice % Math.max(1, files.length)];
  if (file === undefined) return false;
  return disk.corrupt(file.path, (choice >>> 4) % file.usedBytes, 1 << (choice % 8));
}

/** Beyond them stand zeros that nobody reads. */
function usedBytesOf(bytes: Uint8Array): number {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length;
}
