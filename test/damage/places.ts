import { join } from 'node:path';
import { assertDefined } from '../../src/base/assert.ts';
import { sectorBytes } from '../../src/runtime/log/sectors.ts';
import type { Damage } from '../processes/damage.ts';
import type { DirectoryCopy } from './directory-copy.ts';
import type { Scene } from './scene.ts';

/** What a byte of a file is for; `room` is what no frame was written to yet. */
export type PlaceKind = 'segment header' | 'frames' | 'room' | 'quorum state';

export type Place = { readonly kind: PlaceKind; readonly damage: Damage };

const logFile = /segment-\d+\.log$/;
const quorumStateFile = /quorum-state-[ab]$/;

/** Every byte of the damaged node's log and quorum state flipped once, and each file cut to every length. */
export function everyPlace(scene: Scene): readonly Place[] {
  const copy = damagedCopy(scene);
  const files = [...copy.files.keys()]
    .filter((file) => logFile.test(file) || quorumStateFile.test(file))
    .toSorted();
  return files.flatMap((file) => placesOf(file, assertDefined(copy.files.get(file), 'the file was copied')));
}

function damagedCopy({ copies, damaged }: Scene): DirectoryCopy {
  return assertDefined(copies[damaged], 'the damaged node was copied');
}

function placesOf(file: string, bytes: Buffer): readonly Place[] {
  const kindAt = quorumStateFile.test(file) ? (): PlaceKind => 'quorum state' : segmentKinds(bytes);
  return Array.from({ length: bytes.length }, (_, at): readonly Place[] => [
    { kind: kindAt(at), damage: { file, kind: 'flip', position: at } },
    { kind: kindAt(at), damage: { file, kind: 'cut', length: at } },
  ]).flat();
}

/** Frames fill whole sectors, none of which begins with a zero. */
function segmentKinds(bytes: Buffer): (at: number) => PlaceKind {
  let framesEnd = sectorBytes;
  while (framesEnd < bytes.length && bytes[framesEnd] !== 0) framesEnd += sectorBytes;
  return (at) => {
    if (at < sectorBytes) return 'segment header';
    return at < framesEnd ? 'frames' : 'room';
  };
}

/** LevelDB's own notes and its lock hold nothing of the checkpoint. */
const databaseFile = /checkpoints\/checkpoint-\d+\/(CURRENT|MANIFEST-\d+|\d+\.(?:ldb|log))$/;

/** Every byte of the checkpoint database flipped once, each of its files cut to every length, and each removed. */
export function everyPlaceInCheckpoint(
  scene: Scene,
): readonly { readonly kind: string; readonly damage: Damage }[] {
  return [...damagedCopy(scene).files].flatMap(([file, bytes]) => {
    const kind = databaseFile.exec(file)?.[1]?.replace(/\d+/, 'n');
    if (kind === undefined) return [];
    const places = Array.from({ length: bytes.length }, (_, at): readonly Damage[] => [
      { file, kind: 'flip', position: at },
      { file, kind: 'cut', length: at },
    ]).flat();
    return [{ file, kind: 'remove' } as const, ...places].map((damage) => ({ kind, damage }));
  });
}

/** One quorum-state file damaged at every place while the other is not valid either: the node has none. */
export function everyPlaceWithoutQuorumState(scene: Scene): readonly (readonly Damage[])[] {
  const other: Damage = { file: join('metadata', 'quorum-state-b'), kind: 'flip', position: 40 };
  return everyPlace(scene)
    .filter(({ damage }) => damage.file.endsWith('quorum-state-a'))
    .map(({ damage }) => [damage, other]);
}
