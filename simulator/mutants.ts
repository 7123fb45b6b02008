import { bareHost } from './hosts/bare/bare-host.ts';
import { allMutants } from './mutants/all.ts';
import { hunt } from './mutants/hunt.ts';

const seedsMax = Number(process.argv[2] ?? 500);
let escaped = 0;
for (const mutant of allMutants) {
  const found = hunt(mutant, bareHost, 1, seedsMax);
  if (found === null) escaped++;
  const result = found === null ? `NOT CAUGHT in ${seedsMax} seeds` : `seed ${found.seed}: ${found.message}`;
  console.log(`${mutant.name}: ${result}`);
}
process.exitCode = escaped === 0 ? 0 : 1;
