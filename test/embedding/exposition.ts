/** One line of what Prometheus scrapes. */
export type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

const line = /^([a-z_][a-z0-9_]*)(?:\{([^}]*)\})? (\S+)$/;
const label = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

/** Parses the text format strictly: what does not belong there, or comes without HELP and TYPE, throws. */
export function parseExposition(text: string): readonly Sample[] {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const each of text.split('\n')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(each);
    if (type !== null) types.set(type[1] ?? '', type[2] ?? '');
    else if (each !== '' && !each.startsWith('# HELP ')) samples.push(parseSample(each));
  }
  for (const [name, type] of types) {
    if (name.endsWith('_total') !== (type === 'counter'))
      throw new Error(`${name} is no ${type} by its name`);
  }
  for (const { name } of samples) {
    if (!types.has(name) && !types.has(name.replace(/_(bucket|sum|count)$/, ''))) {
      throw new Error(`${name} has no type`);
    }
  }
  return samples;
}

function parseSample(text: string): Sample {
  const match = line.exec(text);
  if (match === null) throw new Error(`not a sample: ${text}`);
  const [, name = '', labels = '', value = ''] = match;
  const parsed = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value);
  if (Number.isNaN(parsed)) throw new Error(`not a number: ${text}`);
  const named = [...labels.matchAll(label)].map(([, key = '', held = '']) => [key, held] as const);
  return { name, labels: Object.fromEntries(named), value: parsed };
}
