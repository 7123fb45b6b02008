import { parseArgs } from 'node:util';
import { loadPlantedBugs } from '../mutants/planted-bugs.ts';
import { tryGenericMutants } from './generic.ts';
import { huntAll, writePage } from './hunt.ts';
import { print, runMain, showProgress, wholeNumber } from './terminal.ts';

const usage = `npm run mutants -- [options] [NAME ...]
  NAME         a class, as "election", or one mutant's name or file (default: all)
  --count N    the most seeds of each of the three searches for a mutant (default: 10000)
  --workers N  parallel processes (default: one for each core)
  --again      hunt also those whose results are up to date
  --page       write docs/MUTANTS.md from the results and hunt nothing

  --generic    try the mistakes that are made mechanically, instead of those planted by hand
  --percent N  so many percent of them (default: 23); all are the same ones each time
  --minutes N  begin no trial after so many minutes (default: no limit)
  --again      try also those again that nothing has killed so far

  Ended at any time, it goes on where it was. Results go to simulator/mutants/results.json.`;

const options = {
  count: { type: 'string' },
  workers: { type: 'string' },
  again: { type: 'boolean', default: false },
  page: { type: 'boolean', default: false },
  generic: { type: 'boolean', default: false },
  percent: { type: 'string' },
  minutes: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    print(usage);
    return true;
  }
  if (values.page) {
    writePage();
    return true;
  }
  if (values.generic) {
    return await tryGenericMutants({
      share: wholeNumber(values.percent, 23, 'percent') / 100,
      workers: wholeNumber(values.workers, 2, 'workers'),
      minutes: wholeNumber(values.minutes, Number.MAX_SAFE_INTEGER, 'minutes'),
      isAgain: values.again,
      print,
      progress: showProgress,
    });
  }
  return await huntAll({
    bugs: await loadPlantedBugs(),
    words: positionals,
    seedsMax: wholeNumber(values.count, 10_000, 'count'),
    workers: wholeNumber(values.workers, 0, 'workers'),
    isAgain: values.again,
    print,
    progress: showProgress,
  });
}

runMain(main, usage);
