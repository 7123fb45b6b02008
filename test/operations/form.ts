/** What differs from one run to the next, and the sign that stands for all of it. */
const variable: readonly (readonly [RegExp, string])[] = [
  [/ottla_[\w-]{43}/g, 'TOKEN'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME'],
  [/\d[\d.]* (?:ms|s|min) ago/g, 'AGO'],
  // Base64url of 16 bytes, as ids of clusters and directories are shown.
  [/(?<![\w-])[\w-]{22}(?![\w-])/g, 'ID'],
  [/\b(?:leader|follower|unattached|prospective|candidate|resigned)\b/g, 'ROLE'],
  [/\b(?:yes|no)\b/g, 'FLAG'],
  [/(?<=\s)(?:-|\d[\d.,]*)(?=\s|$)/g, 'N'],
  [/\d[\d.,]*/g, 'N'],
  [/\s+/g, ' '],
];

export function formOf(line: string): string {
  return variable.reduce((text, [pattern, sign]) => text.replaceAll(pattern, sign), line).trim();
}

/**
 * The form of the first shown line that an answer lacks, or null. Lines must come in the order shown, one directly
 * below the other unless a line `…` stands between them, and each must have the form of the line shown. Rows that
 * begin with an id stand in the order of their ids, which is another each time: these may come in any order.
 */
export function missingLine(shown: string, answer: string): string | null {
  const lines = formsOf(answer);
  let next = 0;
  let maySkip = true;
  for (const line of formsOf(shown)) {
    if (line === '…') {
      maySkip = true;
      continue;
    }
    const found = lines.findIndex((each, index) => index >= next && each === line);
    if (found === -1 || (!maySkip && found !== next)) return line;
    next = found + 1;
    maySkip = false;
  }
  return null;
}

function formsOf(text: string): readonly string[] {
  const forms: string[] = [];
  let rows: string[] = [];
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const form = formOf(line);
    if (form.startsWith('ID ')) {
      rows.push(form);
      continue;
    }
    forms.push(...rows.sort(), form);
    rows = [];
  }
  return [...forms, ...rows.sort()];
}
