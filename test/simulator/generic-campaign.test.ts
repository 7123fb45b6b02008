import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCampaign } from '../../simulator/mutants/generic/campaign.ts';
import { generateMutants } from '../../simulator/mutants/generic/generate.ts';
import type { Kill } from '../../simulator/mutants/generic/try-mutant.ts';

/** Mistakes that the first seeds of the built simulator notice. */
const noticed = [
  { file: 'src/raft/vote.ts', before: 'setQuorumState(core, { voted: request.candidate });', after: ';' },
  {
    file: 'src/raft/vote.ts',
    before: 'if (granted.length < majority) return;',
    after: 'if (granted.length < majority) ;',
  },
];

it('tries mutants in copies of the build, and leaves the build as it is', async () => {
  const folder = join('.simulator', 'generic-test');
  mkdirSync('.simulator', { recursive: true });
  const mutants = noticed.flatMap(({ file, before, after }) =>
    generateMutants(file, readFileSync(file, 'utf8')).filter(
      (mutant) => mutant.before === before && mutant.after === after,
    ),
  );
  const built = join('dist', 'src', 'raft', 'vote.js');
  const textBefore = readFileSync(built, 'utf8');
  const kills: (Kill | null)[] = [];
  await runCampaign({
    mutants,
    workers: 1,
    folder,
    mayGoOn: () => true,
    onTried: (_mutant, _stage, kill) => kills.push(kill),
  });
  rmSync(folder, { recursive: true, force: true });
  expect(kills.map((kill) => kill?.by)).toEqual(noticed.map(() => 'bare'));
  expect(readFileSync(built, 'utf8')).toBe(textBefore);
});
