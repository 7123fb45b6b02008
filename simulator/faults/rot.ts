import type { SimulatedNode } from '../cluster.ts';

/**
 * Flips one bit of one stored byte of a node that is down, chosen by `choice` among what its files hold.
 * False when there is nothing to damage.
 */
export function damageOneBit({ disk }: SimulatedNode, choice: number): boolean {
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
