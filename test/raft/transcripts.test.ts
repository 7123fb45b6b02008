import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { replay } from './harness/transcript.ts';

const folder = join(import.meta.dirname, 'transcripts');
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

/** `OTTLA_REWRITE=1 npx vitest run test/raft/transcripts.test.ts` writes what happens now; read the diff. */
const rewrites = process.env['OTTLA_REWRITE'] === '1';

describe('transcripts', () => {
  it('are a dozen at least', () => {
    expect(names.length).toBeGreaterThanOrEqual(12);
  });

  it.each(names)('%s happens as it is written', (name) => {
    const path = join(folder, name);
    const text = readFileSync(path, 'utf8');
    const replayed = replay(text);
    if (rewrites) writeFileSync(path, replayed);
    expect(replayed).toBe(rewrites ? replayed : text);
  });
});
