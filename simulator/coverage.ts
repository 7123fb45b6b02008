import { type CoverageMark, coverageMarks } from '../src/base/coverage-marks.ts';

export type CoverageCounts = Readonly<Record<string, number>>;

/** What the simulator does not reach, each with the reason. Better than an entry here is a wider generator. */
export const unreachable: Readonly<Partial<Record<CoverageMark, string>>> = {
  'proposer: a full batch leaves work for the next':
    'clients give up before a mebibyte of their requests has gathered at a leader',
  'replica: the controller lags behind its own log':
    'no controller lags for longer than a broker takes to start again',
};

/** Before so many runs it says nothing of a mark that it was not reached: some are reached in one run of a thousand. */
export const judgedAfterRuns = 10_000;

/** So many of those that were reached least are named. */
const rarestMax = 5;

/** The marks that no run has reached, though the simulator can. */
export function missedMarks(counts: CoverageCounts): readonly CoverageMark[] {
  return coverageMarks.filter((mark) => (counts[mark] ?? 0) === 0 && unreachable[mark] === undefined);
}

/** Why a soak that has run so much fails for its marks; null where it does not. */
export function coverageFault(runs: number, counts: CoverageCounts): string | null {
  if (runs < judgedAfterRuns) return null;
  const missed = missedMarks(counts);
  if (missed.length === 0) return null;
  return `${runs} runs, and none of them has reached: ${missed.join('; ')}`;
}

/** How many marks were reached, which of them least, and which not. */
export function coverageText(counts: CoverageCounts): string {
  const reached = ascending(counts);
  const rarest = reached.slice(0, rarestMax).map(([mark, count]) => `${mark} (${count})`);
  const missed = missedMarks(counts);
  return [
    `coverage: ${reached.length} of ${coverageMarks.length} marks reached`,
    ...(rarest.length === 0 ? [] : [`  least: ${rarest.join('; ')}`]),
    ...(missed.length === 0 ? [] : [`  not: ${missed.join('; ')}`]),
  ].join('\n');
}

/** Every mark with its count, the least reached first. */
export function coverageTable(counts: CoverageCounts): string {
  return ascending(counts)
    .map(([mark, count]) => `${String(count).padStart(10)}  ${mark}`)
    .join('\n');
}

function ascending(counts: CoverageCounts): readonly (readonly [CoverageMark, number])[] {
  return coverageMarks
    .map((mark) => [mark, counts[mark] ?? 0] as const)
    .filter(([, count]) => count > 0)
    .toSorted(([, left], [, right]) => left - right);
}
