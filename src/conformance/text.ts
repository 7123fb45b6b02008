import type { Outcome, Report, RuleResult, Verdict } from './verdict.ts';

export type Word = 'kept' | 'BROKEN' | 'undecided' | 'skipped' | 'not seen';

const wordsOf: Readonly<Record<Outcome['kind'], Word>> = {
  kept: 'kept',
  broken: 'BROKEN',
  inconclusive: 'undecided',
  skipped: 'skipped',
  unseen: 'not seen',
};

const wordWidth = 11;

/** One rule for people: its name, and what there is to say of it. */
export function resultText({ rule, level, outcome }: RuleResult, paint: (word: Word) => string): string {
  const word = wordsOf[outcome.kind];
  const head = `${paint(word)}${' '.repeat(wordWidth - word.length)}${rule} (${level})`;
  const indent = ' '.repeat(wordWidth);
  switch (outcome.kind) {
    case 'kept':
      return `${head}\n`;
    case 'broken':
      return `${head}\n${indent}demanded: ${outcome.demanded}\n${indent}seen:     ${outcome.seen}\n`;
    case 'inconclusive':
    case 'skipped':
    case 'unseen':
      return `${head}\n${indent}${outcome.reason}\n`;
  }
}

const verdictTexts: Readonly<Record<Verdict, string>> = {
  pass: 'PASS: nothing that was looked at is broken.',
  fail: 'FAIL',
  undecided:
    'UNDECIDED: nothing was found broken, and not everything could be told. Try on a quieter machine.',
};

export function verdictText({ results, verdict }: Report): string {
  const counted = (kind: Outcome['kind']): number =>
    results.filter(({ outcome }) => outcome.kind === kind).length;
  const counts = [
    `${counted('kept')} kept`,
    `${counted('broken')} broken`,
    `${counted('inconclusive')} undecided`,
    `${counted('skipped')} skipped`,
    `${counted('unseen')} not seen by the kit`,
  ];
  return `${counts.join(', ')}\n${verdictTexts[verdict]}\n`;
}

/** The report as continuous integration reads it. What could not be told is an error there, and no failure. */
export function junitText({ results }: Report): string {
  const counted = (kind: Outcome['kind']): number =>
    results.filter(({ outcome }) => outcome.kind === kind).length;
  const skipped = counted('skipped') + counted('unseen');
  const head = `tests="${results.length}" failures="${counted('broken')}" errors="${counted('inconclusive')}" skipped="${skipped}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="ottla conformance" ${head}>
${results.map(junitCase).join('\n')}
</testsuite>
`;
}

function junitCase({ rule, level, outcome }: RuleResult): string {
  const body = junitBody(outcome);
  const head = `  <testcase classname="${level}" name="${rule}"`;
  return body === '' ? `${head}/>` : `${head}>${body}</testcase>`;
}

function junitBody(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'kept':
      return '';
    case 'broken':
      return `<failure message="${escaped(outcome.seen)}">${escaped(outcome.demanded)}</failure>`;
    case 'inconclusive':
      return `<error message="${escaped(outcome.reason)}"/>`;
    case 'skipped':
    case 'unseen':
      return `<skipped message="${escaped(outcome.reason)}"/>`;
  }
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
