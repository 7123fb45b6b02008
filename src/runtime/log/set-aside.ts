import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok } from '../../base/result.ts';
import { submitFile } from '../../ports/task.ts';
import { readExactly, type Step, writeZeros } from './file-steps.ts';
import { sectorBytes } from './sectors.ts';
import { segmentName } from './segment-header.ts';

/** The damaged segment, and how much of it is sound: the part below `soundBytes`, 0 for none. */
export type Damage = {
  readonly sequence: number;
  readonly soundBytes: number;
  readonly sizeBytes: number;
  readonly sequences: readonly number[];
};

const copyName = 'sound-part.tmp';
const chunkBytes = 1_048_576;

/**
 * Cuts the log before damage. Nothing is deleted: the damaged segment and all later ones keep their bytes
 * under another name, `….corrupt-<n>`, as evidence. The sound frames of the damaged segment live on in a
 * copy under its old name. The node must have persisted `recovering` before: a crash in here may
 * leave a shorter log that looks sound.
 */
export function* setAside(directory: string, damage: Damage): Step<null> {
  const { sequence, soundBytes, sequences } = damage;
  const copy = `${directory}/${copyName}`;
  const keepsPart = soundBytes >= sectorBytes && sequences.includes(sequence);
  if (keepsPart) {
    coverageMark('log: the sound part of a damaged segment is kept');
    const copied = yield* copySoundPart(`${directory}/${segmentName(sequence)}`, copy, damage);
    if (!copied.ok) return copied;
  }
  // The latest first, so that a crash never leaves a gap within the log.
  for (const later of sequences.filter((other) => other >= sequence).toReversed()) {
    const renamed = yield* renameAside(directory, segmentName(later));
    if (!renamed.ok) return renamed;
  }
  if (!keepsPart) return ok(null);
  const to = `${directory}/${segmentName(sequence)}`;
  const renamed = yield* submitFile({ kind: 'rename', from: copy, to });
  if (!renamed.ok) return renamed;
  return yield* submitFile({ kind: 'syncDirectory', path: directory });
}

function* copySoundPart(from: string, to: string, damage: Damage): Step<null> {
  const source = yield* submitFile({ kind: 'open', path: from, mode: 'existing' });
  if (!source.ok) return source;
  const removed = yield* submitFile({ kind: 'remove', path: to });
  if (!removed.ok) return removed;
  const target = yield* submitFile({ kind: 'open', path: to, mode: 'createNew' });
  if (!target.ok) return target;
  for (let position = 0; position < damage.soundBytes; position += chunkBytes) {
    const length = Math.min(chunkBytes, damage.soundBytes - position);
    const read = yield* readExactly(from, { handle: source.value, position, length });
    if (!read.ok) return read;
    const written = yield* submitFile({ kind: 'pwrite', handle: target.value, position, bytes: read.value });
    if (!written.ok) return written;
  }
  const zeroed = yield* writeZeros(target.value, damage.soundBytes, damage.sizeBytes);
  if (!zeroed.ok) return zeroed;
  const flushed = yield* submitFile({ kind: 'fdatasync', handle: target.value });
  if (!flushed.ok) return flushed;
  yield* submitFile({ kind: 'close', handle: source.value });
  yield* submitFile({ kind: 'close', handle: target.value });
  return ok(null);
}

function* renameAside(directory: string, name: string): Step<null> {
  const listed = yield* submitFile({ kind: 'list', path: directory });
  if (!listed.ok) return listed;
  let number = 1;
  while (listed.value.includes(`${name}.corrupt-${number}`)) number++;
  const from = `${directory}/${name}`;
  const renamed = yield* submitFile({ kind: 'rename', from, to: `${from}.corrupt-${number}` });
  if (!renamed.ok) return failed(renamed.error);
  return yield* submitFile({ kind: 'syncDirectory', path: directory });
}
