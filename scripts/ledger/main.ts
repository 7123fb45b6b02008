import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { positive, wholeNumber } from '../../bench/support/numbers.ts';
import { runLedger } from './run.ts';

const setting = {
  gaps: { brokerMs: 3_000, controllerMs: 8_000 },
  topics: ['orders', 'payments', 'shipments'],
  producers: 4,
} as const;
const complaintsShown = 50;

/** `npm run ledger -- [--minutes 10] [--seed N] [--directory D]`; true where nothing was found. */
export async function run(argumentList: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...argumentList],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      directory: { type: 'string' },
    },
  });
  const minutes = positive(values.minutes);
  const seed = wholeNumber(values.seed);
  const write = (text: string): void => void process.stdout.write(text);
  const folder = folderAt(values.directory);
  write(`npm run ledger -- --minutes ${minutes} --seed ${seed}\nfiles of this run: ${folder}\n`);
  try {
    const { complaints } = await runLedger({ ...setting, seed, durationMs: minutes * 60_000, folder, write });
    if (complaints.length === 0) {
      rmSync(folder, { recursive: true, force: true });
      return true;
    }
    for (const complaint of complaints.slice(0, complaintsShown)) write(`${complaint}\n`);
  } catch (error) {
    write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  write(`What the processes have written and printed is kept in ${folder}.\n`);
  return false;
}

function folderAt(directory: string | undefined): string {
  if (directory === undefined) return mkdtempSync(join(tmpdir(), 'ottla-ledger-'));
  mkdirSync(resolve(directory));
  return resolve(directory);
}
