import type { Terminal } from './terminal.ts';

/** How answers are shown: two for people, two for programs. */
export const outputForms = ['table', 'wide', 'json', 'yaml'] as const;
export type OutputForm = (typeof outputForms)[number];

/** Writes an answer in the form that was asked for; `table` writes it for people. */
export async function show(
  terminal: Terminal,
  form: OutputForm,
  answer: unknown,
  table: (isWide: boolean) => string,
): Promise<void> {
  switch (form) {
    case 'table':
    case 'wide':
      terminal.out(table(form === 'wide'));
      return;
    case 'json':
      terminal.out(`${JSON.stringify(answer, null, 2)}\n`);
      return;
    case 'yaml':
      terminal.out((await loadYaml())(answer));
  }
}

/** One after the other, as they come: a line of JSON each, or a document of YAML each. */
export async function showEach(
  terminal: Terminal,
  form: OutputForm,
  rows: readonly unknown[],
  table: (isWide: boolean) => string,
): Promise<void> {
  switch (form) {
    case 'table':
    case 'wide':
      terminal.out(table(form === 'wide'));
      return;
    case 'json':
      for (const row of rows) terminal.out(`${JSON.stringify(row)}\n`);
      return;
    case 'yaml': {
      if (rows.length === 0) return;
      const toYaml = await loadYaml();
      for (const row of rows) terminal.out(`---\n${toYaml(row)}`);
    }
  }
}

/** Loaded when somebody asks for it: most commands write none. Long texts are not folded, so that lines stay whole. */
async function loadYaml(): Promise<(value: unknown) => string> {
  const { stringify } = await import('yaml');
  // The same value twice is written twice: an alias would be one more thing that a reader must understand.
  return (value) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
