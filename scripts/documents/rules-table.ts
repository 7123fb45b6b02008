import { checkNeeds } from '../../src/conformance/run.ts';
import { rules } from '../../src/conformance/rules.ts';

/** The table of docs/BROKERS.md that says of each rule whether the kit sees it; a test compares the two. */
export function rulesTable(): string {
  const rows = rules.map(({ name, level, unseen }) => {
    const seen = unseen === undefined ? 'yes' : 'no';
    return `| ${name} | ${level} | ${seen} | ${unseen ?? checkNeeds(name)} |`;
  });
  const head = ['| rule | strictest word | seen by the kit | needs, or why not |', '|---|---|---|---|'];
  return [...head, ...rows].join('\n');
}
