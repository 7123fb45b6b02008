import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a segment that found no space to be filled counts as prepared',
  source: 'Yuan and others (OSDI 14): errors that are handled by ignoring them; design 20',
  host: 'node',
  workload: 'disk trouble',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/log/segment-maker.ts',
      find: `    if (!written.ok) return written;
    const flushed = yield* submitFile({ kind: 'fdatasync', handle });
    if (!flushed.ok) return flushed;`,
      replace: `    if (!written.ok && written.error.code !== 'NO_SPACE') return written;
    const flushed = yield* submitFile({ kind: 'fdatasync', handle });
    if (!flushed.ok && flushed.error.code !== 'NO_SPACE') return flushed;`,
    },
  ],
};
