import type { SimulatedNode } from '../cluster.ts';

/**
 * Flips one bit of one stored byte of a node that is down, chosen by `choice` among what its files hold.
 * False when there is nothing to damage.
 */
export function damageOneBit(node: SimulatedNode, choice: number): boolean {
  const paths = node.disk.paths().filter((path) => (node.disk.bytes(path)?.length ?? 0) > 0);
  const path = paths[choice % paths.length];
  if (path === undefined) return false;
  const bytes = node.disk.bytes(path);
  if (bytes === null) return false;
  const used = lastUsedByte(bytes) + 1;
  if (used === 0) return false;
  if (!node.disk.corrupt(path, (choice >>> 4) % used, 1 << (choice % 8))) return false;
  return true;
}

/** Beyond it stand zeros that nobody reads. */
function lastUsedByte(bytes: Uint8Array): number {
  let at = bytes.length - 1;
  while (at >= 0 && bytes[at] === 0) at--;
  return at;
}
