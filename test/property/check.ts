import * as fc from 'fast-check';

/** How many times as many runs are wanted; 1 in the gate, more for a long search. */
const intensity = Number(process.env['OTTLA_PROPERTY_RUNS'] ?? 1);

/** A property's whole run may take so long. It bounds waiting for ever, and asserts no speed. */
export const timeoutMs = Math.max(120_000, 60_000 * intensity);

/** Repeats the run that a failure reported, to be used with the name of its test. */
const repeated = {
  ...(process.env['OTTLA_PROPERTY_SEED'] === undefined
    ? {}
    : { seed: Number(process.env['OTTLA_PROPERTY_SEED']) }),
  ...(process.env['OTTLA_PROPERTY_PATH'] === undefined ? {} : { path: process.env['OTTLA_PROPERTY_PATH'] }),
};

/**
 * Checks a property in `numRuns` runs, times the intensity. A failure names seed, path and the smallest
 * counterexample. A search that was interrupted or that mostly skipped has shown nothing, so it fails too.
 */
export function check<Values>(
  property: fc.IProperty<Values>,
  numRuns: number,
  examples: Values[] = [],
): void {
  judge(fc.check(property, parametersOf(numRuns, examples)), numRuns);
}

/** The same for a property that waits for answers. */
export async function checkAsync<Values>(
  property: fc.IAsyncProperty<Values>,
  numRuns: number,
  examples: Values[] = [],
): Promise<void> {
  judge(await fc.check(property, parametersOf(numRuns, examples)), numRuns);
}

function parametersOf<Values>(numRuns: number, examples: Values[]): fc.Parameters<Values> {
  return {
    numRuns: Math.max(1, Math.ceil(numRuns * intensity)),
    examples,
    markInterruptAsFailure: true,
    ...repeated,
  };
}

function judge<Values>(details: fc.RunDetails<Values>, numRuns: number): void {
  if (details.failed) {
    const again = `OTTLA_PROPERTY_SEED=${details.seed} OTTLA_PROPERTY_PATH=${details.counterexamplePath ?? ''}`;
    throw new Error(`${fc.defaultReportMessage(details)}\n\nRepeat it with ${again}`, {
      cause: details.errorInstance,
    });
  }
  if (details.interrupted) throw new Error(`interrupted after ${details.numRuns} runs: seed ${details.seed}`);
  if ('path' in repeated) return;
  if (details.numRuns < Math.ceil(numRuns * intensity)) {
    throw new Error(`only ${details.numRuns} of ${numRuns} runs: seed ${details.seed}`);
  }
}
