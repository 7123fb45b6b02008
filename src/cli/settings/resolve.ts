import { Compile } from 'typebox/compile';
import type { TSchema } from 'typebox';
import { CliFailure } from '../failures.ts';
import type { ConfigFile } from './config-file.ts';
import { flagOf, type SectionName, sections, type Setting, variableOf } from './definitions.ts';

/** Where a section's values come from; the last one that has a value counts. */
export type Sources = {
  readonly file: ConfigFile | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What was typed, by the setting's name. */
  readonly flags: Readonly<Record<string, unknown>>;
};

export type Resolved = {
  readonly value: unknown;
  /** Where it comes from, for people. */
  readonly from: string;
};

/** Every setting of a section that has a value, checked; throws what a command says where one is not allowed. */
export function resolveSection(section: SectionName, sources: Sources): ReadonlyMap<string, Resolved> {
  const resolved = new Map<string, Resolved>();
  for (const [name, setting] of Object.entries<Setting>(sections[section].settings)) {
    const given = findGiven(section, name, setting, sources);
    if (given !== null) {
      check(`${section}.${name}`, setting, given);
      resolved.set(name, given);
    } else if (setting.fallback !== undefined) {
      resolved.set(name, { value: setting.fallback, from: 'default' });
    } else if (setting.isRequired === true) throw missing(section, name, setting);
  }
  return resolved;
}

function findGiven(
  section: SectionName,
  name: string,
  setting: Setting,
  { flags, environment, file }: Sources,
): Resolved | null {
  const typed = flags[name];
  if (typed !== undefined) return { value: fromText(setting.schema, typed), from: flagOf(setting) };
  const variable = variableOf(section, name);
  const text = environment[variable];
  if (text !== undefined && text !== '') return { value: fromText(setting.schema, text), from: variable };
  const written = file?.sections[section]?.[name];
  if (written === undefined || written === null || file === null) return null;
  // A list may be written as one text in a file, too.
  const value = isList(setting.schema) ? fromText(setting.schema, written) : written;
  return { value, from: file.path };
}

type Keywords = {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
};

function isList(schema: TSchema): boolean {
  return (schema as Keywords).type === 'array';
}

/** A text that is no value of the schema stays as it is, for the check to refuse. */
function fromText(schema: TSchema, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const { type } = schema as Keywords;
  if (type === 'integer') return /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  if (type !== 'array') return value;
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function check(key: string, setting: Setting, { value, from }: Resolved): void {
  const members = Array.isArray(value) ? value : [value];
  const isLegal = Compile(setting.schema).Check(value);
  const fault = isLegal
    ? members.map((member) => setting.findFault?.(String(member)) ?? null).find((each) => each !== null)
    : null;
  if (isLegal && (fault === undefined || fault === null)) return;
  throw new CliFailure(
    'usage',
    `${key} is ${shown(value)}, given by ${from}; it must be ${setting.allowed ?? allowedBy(setting.schema)}.`,
    from.startsWith('--') ? 'Correct it, or see --help.' : `Correct it there, or give ${flagOf(setting)}.`,
  );
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return value.length === 0 ? 'empty' : `'${value.map(String).join(',')}'`;
  return JSON.stringify(value);
}

function allowedBy(schema: TSchema): string {
  const { type, enum: values, minimum, maximum } = schema as Keywords;
  if (values !== undefined) return `one of ${values.join(', ')}`;
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`;
  if (type === 'boolean') return 'true or false';
  return type === 'array' ? 'a list of texts, separated by commas' : 'a text that is not empty';
}

function missing(section: SectionName, name: string, setting: Setting): CliFailure {
  return new CliFailure(
    'usage',
    `${section}.${name} is not set: ${setting.meaning}.`,
    `Give ${setting.flags}, ${variableOf(section, name)}, or ${section}.${name} in a file that --config names.`,
  );
}
