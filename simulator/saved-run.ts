import { failed, ok, type Result } from '../src/base/result.ts';
import { budgetNames, faultKinds } from './faults/budget.ts';
import type { Schedule } from './faults/schedule.ts';
import { bareHost } from './hosts/bare/bare-host.ts';
import type { HostKind } from './hosts/host.ts';
import { nodeHost } from './hosts/node/node-host.ts';

export const hostNames = ['node', 'bare'] as const;
export type HostName = (typeof hostNames)[number];

/** Everything that decides what happens in a run: the schedule, what runs in it, and the bug planted there. */
export type SavedRun = {
  readonly host: HostName;
  /** The name of the bug that is planted in the program, which is a copy then (`mutants/planted-bug.ts`). */
  readonly mutant: string | null;
  readonly schedule: Schedule;
};

/** Grows when a schedule of today would mean something else, or nothing, to the simulator of tomorrow. */
const format = 1;

/** What schedules saved by an earlier simulator do not say, because there was none of it. */
const sinceFirstFormat = { spares: 0, olderNodes: [], olderRelease: 'oldest' } as const;

export const hosts: Readonly<Record<HostName, HostKind>> = { node: nodeHost, bare: bareHost };

/** A run as a text that people can read and edit: one fault, one operation, one planned thing a line. */
export function encodeSavedRun({ host, mutant, schedule }: SavedRun): string {
  const fields = Object.entries({ format, host, mutant, ...schedule });
  const lines = fields.map(([name, value]) => `  ${JSON.stringify(name)}: ${encodeField(value)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

function encodeField(value: unknown): string {
  if (!Array.isArray(value) || value.length === 0) return JSON.stringify(value);
  return `[\n    ${value.map((item) => JSON.stringify(item)).join(',\n    ')}\n  ]`;
}

/** Reads such a text; the message of a failure says what is wrong with it. */
export function decodeSavedRun(text: string): Result<SavedRun, string> {
  const found = parsed(text);
  if (found === null) return failed('it is not JSON');
  if (found['format'] !== format)
    return failed(`its format is ${JSON.stringify(found['format'])}, not ${format}`);
  const { format: _, host, mutant, ...planned } = found;
  const { seed, config, faults } = planned;
  if (host !== 'node' && host !== 'bare') return failed(`it runs on ${JSON.stringify(host)}`);
  if (mutant !== null && typeof mutant !== 'string') return failed('its mutant has no name');
  if (!Number.isSafeInteger(seed)) return failed('its seed is no whole number');
  if (!isRecord(config) || !budgetNames.some((name) => name === config['budget'])) {
    return failed('its config names no budget of faults');
  }
  const kinds: ReadonlySet<unknown> = new Set(faultKinds);
  if (!isTimed(faults) || !faults.every((fault) => kinds.has(fault['kind']))) {
    return failed('one of its faults is none');
  }
  const untimed = Object.keys(planned).find(
    (name) => Array.isArray(planned[name]) && !isTimed(planned[name]),
  );
  if (untimed !== undefined) return failed(`one of its ${untimed} is none`);
  const schedule = {
    watchers: [],
    groups: null,
    ...planned,
    config: { ...sinceFirstFormat, ...config },
  } as unknown as Schedule;
  return ok({ host, mutant, schedule });
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Everything that is planned has a time. */
function isTimed(value: unknown): value is readonly Fields[] {
  if (!Array.isArray(value)) return false;
  return value.every((item: unknown) => isRecord(item) && Number.isSafeInteger(item['atUs']));
}
