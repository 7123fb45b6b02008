import type { Schedule } from '../faults/schedule.ts';

/** Everything that a schedule plans, whatever kind of thing it is, has a time. */
export type Timed = { readonly atUs: number };

/** Where in a schedule a list of planned things stands: its field, and the field within that. */
export type ListPath = { readonly field: string; readonly within: string | null };

type Fields = Readonly<Record<string, unknown>>;

/**
 * The lists of planned things, those within a plan of their own among them. Faults come first, because fewer
 * of them make every further run shorter.
 */
export function listPaths(schedule: Schedule): readonly ListPath[] {
  const paths: ListPath[] = [];
  for (const [field, value] of Object.entries(schedule) as readonly [string, unknown][]) {
    if (Array.isArray(value)) paths.push({ field, within: null });
    if (!isPlan(field, value)) continue;
    for (const [within, held] of Object.entries(value)) {
      if (Array.isArray(held)) paths.push({ field, within });
    }
  }
  return paths.toSorted((left, right) => rank(left) - rank(right));
}

export function listAt(schedule: Schedule, { field, within }: ListPath): readonly Timed[] {
  const value = (schedule as unknown as Fields)[field];
  if (within === null) return value as readonly Timed[];
  // The whole plan may have been dropped meanwhile.
  return isPlan(field, value) ? (value[within] as readonly Timed[]) : [];
}

export function withListAt(schedule: Schedule, path: ListPath, items: readonly Timed[]): Schedule {
  const { field, within } = path;
  if (within === null) return { ...schedule, [field]: items };
  const value = (schedule as unknown as Fields)[field];
  return isPlan(field, value) ? { ...schedule, [field]: { ...value, [within]: items } } : schedule;
}

/** The schedule without one of its plans, once for each. */
export function withoutPlans(schedule: Schedule): readonly Schedule[] {
  const fields = Object.entries(schedule) as readonly [string, unknown][];
  return fields
    .filter(([field, value]) => isPlan(field, value))
    .map(([field]) => ({ ...schedule, [field]: null }));
}

/** How many things are planned. */
export function sizeOf(schedule: Schedule): number {
  return listPaths(schedule).reduce((sum, path) => sum + listAt(schedule, path).length, 0);
}

/** A field that plans something of its own, and may be null: model brokers, say. */
function isPlan(field: string, value: unknown): value is Fields {
  return field !== 'config' && typeof value === 'object' && value !== null && !Array.isArray(value);
}

function rank({ field, within }: ListPath): number {
  return within === null && field === 'faults' ? 0 : 1;
}
