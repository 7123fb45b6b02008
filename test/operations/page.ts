import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../bench/support/project.ts';

/** What happens in a procedure: trouble that the test makes, or a block that an operator types at once. */
export type Step =
  | { readonly kind: 'scene'; readonly name: string }
  | {
      readonly kind: 'block';
      readonly text: string;
      /** How it is to end; other than 0 where the page says so behind the language of the block. */
      readonly exitCode: number;
      /** The answer that the page shows below it; null where it shows none. */
      readonly shown: string | null;
    };

export type Procedure = {
  readonly title: string;
  readonly steps: readonly Step[];
  /** The metrics that it names. */
  readonly metrics: readonly string[];
};

const metricPattern = /`((?:ottla|kafka|process)_[a-z_]+)`/g;
const stepPattern = /<!-- scene: ([a-z ]+) -->|^```(sh|text)(?: exit=(\d+))?\n([\s\S]*?)^```$/gm;

export type OperationsPage = {
  /** What the page asks to have in the shell before anything else. */
  readonly preparation: string;
  /** In the order in which they stand in the page. */
  readonly procedures: readonly Procedure[];
};

/** `docs/OPERATIONS.md`, as a test types it. */
export function readProcedures(): OperationsPage {
  const page = readFileSync(join(projectFolder, 'docs', 'OPERATIONS.md'), 'utf8');
  const [head = '', ...sections] = page.split(/^## /m);
  const [preparation] = readProcedure(head).steps;
  if (preparation?.kind !== 'block') throw new Error('the page does not say what to have in the shell');
  return { preparation: preparation.text, procedures: sections.map(readProcedure) };
}

function readProcedure(section: string): Procedure {
  const title = section.slice(0, section.indexOf('\n'));
  const steps: Step[] = [];
  for (const [, scene, language, exitCode = '0', text = ''] of section.matchAll(stepPattern)) {
    if (scene !== undefined) steps.push({ kind: 'scene', name: scene });
    else if (language === 'sh') steps.push({ kind: 'block', text, exitCode: Number(exitCode), shown: null });
    else steps.push(answered(title, steps.pop(), text));
  }
  const metrics = [...section.matchAll(metricPattern)].map(([, name = '']) => name);
  return { title, steps, metrics: [...new Set(metrics)] };
}

function answered(title: string, step: Step | undefined, shown: string): Step {
  if (step?.kind === 'block' && step.shown === null) return { ...step, shown };
  throw new Error(`“${title}” shows an answer that stands below no command`);
}
