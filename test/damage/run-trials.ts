import { join } from 'node:path';
import { type Damage, describeDamage } from '../processes/damage.ts';
import type { Scene } from './scene.ts';
import { type TrialOptions, tryDamage, type Verdict } from './trial.ts';
import { Trio } from './trio.ts';

/** A trial mostly waits, for elections and flushes; so many of them wait side by side. */
const lanes = 12;

export type Attempt = {
  readonly damages: readonly Damage[];
  readonly name: string;
  /** What it may end in, where that is less than the four. */
  readonly allowed?: readonly Verdict[];
};

/** Whoever waits for a long run is told now and then how far it is. */
const attemptsPerLine = 2_000;

/** Verdicts by the attempts' names. */
export type Tally = Map<string, Map<Verdict, number>>;

/** Tries everything, several attempts at a time, each in directories of its own. The first that fails ends it. */
export async function runTrials(
  folder: string,
  scene: Scene,
  attempts: readonly Attempt[],
  optionsOf: (index: number) => TrialOptions,
): Promise<Tally> {
  const tally: Tally = new Map();
  const queue = attempts.entries();
  let hasFailed = false;
  const lane = async (number: number): Promise<void> => {
    const trio = await Trio.prepare(join(folder, `lane-${number}`), scene.settings);
    try {
      for (const [index, attempt] of queue) {
        if (hasFailed) return;
        count(tally, attempt, await tryOne(trio, scene, attempt, optionsOf(index)));
        if (index % attemptsPerLine === attemptsPerLine - 1)
          process.stdout.write(`  ${index + 1} of ${attempts.length}\n`);
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    } finally {
      await trio.close();
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  return tally;
}

async function tryOne(
  trio: Trio,
  scene: Scene,
  { damages, allowed }: Attempt,
  options: TrialOptions,
): Promise<Verdict> {
  try {
    const verdict = await tryDamage(trio, scene, damages, options);
    if (allowed?.includes(verdict) === false) throw new Error(`it ends in '${verdict}'`);
    return verdict;
  } catch (cause) {
    throw new Error(`with ${damages.map(describeDamage).join(' and ')}`, { cause });
  }
}

function count(tally: Tally, { name }: Attempt, verdict: Verdict): void {
  const verdicts = tally.get(name) ?? new Map<Verdict, number>();
  tally.set(name, verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1));
}

export function describeTally(tally: Tally): string {
  const lines = [...tally].map(([name, verdicts]) => {
    const counts = [...verdicts].map(([verdict, times]) => `${verdict} ${times}`).toSorted();
    return `  ${name}: ${counts.join(', ')}\n`;
  });
  return lines.toSorted().join('');
}

export function totalOf(tally: Tally): number {
  return [...tally.values()]
    .flatMap((verdicts) => [...verdicts.values()])
    .reduce((sum, next) => sum + next, 0);
}

export function verdictsOf(tally: Tally): ReadonlySet<Verdict> {
  return new Set([...tally.values()].flatMap((verdicts) => [...verdicts.keys()]));
}
