import { quorumStateNames } from '../../src/runtime/quorum-state/quorum-state-copies.ts';
import type { HashedChance } from '../../src/testing/world/chance.ts';
import type { SimulatedNode } from '../cluster.ts';
import { chanceOf } from './salts.ts';

/**
 * Damages what a node that is down has stored, as `choice` says: its database of checkpoints, both copies of
 * its quorum state, or, as a rule, one bit of one byte in one of its files. False when there is nothing to damage.
 */
export function damageStored(node: SimulatedNode, choice: number): boolean {
  const chance = chanceOf(choice, 'rot');
  switch (chance.integer(8)) {
    case 0:
      if (node.stores.damage('at open')) return true;
      break;
    case 1:
      if (node.stores.damage('when read')) return true;
      break;
    case 2:
      if (damageQuorumState(node, chance)) return true;
      break;
    case 3:
      if (node.stores.losePage(chance.next())) return true;
      break;
  }
  return damageOneBit(node, chance);
}

/** With both copies gone the node has forgotten its vote. */
function damageQuorumState({ disk }: SimulatedNode, chance: HashedChance): boolean {
  const mask = 1 << chance.integer(8);
  const paths = disk.paths().filter((path) => groupOf(path) === 'quorum state');
  return paths.map((path) => disk.corrupt(path, 0, mask)).includes(true);
}

type FileGroup = 'log' | 'quorum state' | 'other';

/** How often each is hit: by number alone it would be the small files most, without which a node does not start. */
const groups: readonly FileGroup[] = [
  'log',
  'log',
  'log',
  'log',
  'quorum state',
  'quorum state',
  'quorum state',
  'other',
];

function groupOf(path: string): FileGroup {
  if (quorumStateNames.some((name) => path.endsWith(name))) return 'quorum state';
  return path.includes('/log/') ? 'log' : 'other';
}

function damageOneBit({ disk }: SimulatedNode, chance: HashedChance): boolean {
  const files = disk
    .paths()
    // What a node has set aside it never reads again.
    .filter((path) => !path.includes('.corrupt'))
    .map((path) => ({ path, written: writtenPart(disk.bytes(path) ?? new Uint8Array()) }))
    .filter(({ written }) => written.length > 0);
  const group = groups[chance.integer(groups.length)] ?? 'log';
  const inGroup = files.filter(({ path }) => groupOf(path) === group);
  const candidates = inGroup.length > 0 ? inGroup : files;
  const file = candidates[chance.integer(Math.max(1, candidates.length))];
  if (file === undefined) return false;
  return disk.corrupt(file.path, pickPosition(file.written, chance), 1 << chance.integer(8));
}

/** Half of them where something stands: of a sector with a short frame most is zeros that nobody looks at. */
function pickPosition(written: Uint8Array, chance: HashedChance): number {
  const position = chance.integer(written.length);
  if (chance.oneIn(2)) return position;
  return written.subarray(position).findIndex((byte) => byte !== 0) + position;
}

/** Beyond it stand zeros that nobody reads. */
function writtenPart(bytes: Uint8Array): Uint8Array {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return bytes.subarray(0, length);
}
