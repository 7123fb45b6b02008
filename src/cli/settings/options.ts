import { Option, type Command } from 'commander';
import { readConfigFile } from './config-file.ts';
import { type SectionName, sections, type Setting, variableOf } from './definitions.ts';
import { describeIgnoredVariables } from './ignored-variables.ts';
import { resolveSection, type Resolved, type Sources } from './resolve.ts';

type Environment = Sources['environment'];

/** Told what came of a section before a command runs. */
type OnResolved = (resolved: ReadonlyMap<string, Resolved>) => void;

/**
 * Gives a command the flags of a section, and sets its options from file, environment and flags before it runs.
 * Its options then are the section's values by their names, checked.
 */
export function withSettings(
  command: Command,
  section: SectionName,
  environment: Environment,
  onResolved: OnResolved = () => {},
): Command {
  const names = addFlags(command, section);
  command.option('--config <file>', 'a file of settings, JSON or YAML (or OTTLA_CONFIG)');
  return command.hook('preAction', async () => {
    const output = command.configureOutput();
    for (const ignored of describeIgnoredVariables(section, environment)) output.writeErr?.(`${ignored}\n`);
    const given: unknown = command.getOptionValue('config') ?? environment['OTTLA_CONFIG'];
    const file = typeof given === 'string' && given !== '' ? await readConfigFile(given) : null;
    const resolved = resolveSection(section, { file, environment, flags: typed(command, names) });
    for (const [name, { value }] of resolved) command.setOptionValue(name, value);
    onResolved(resolved);
  });
}

/** The same flags, and nothing but them: for a process that is told everything by the one that starts it. */
export function withFlagsAlone(command: Command, section: SectionName): Command {
  const names = addFlags(command, section);
  return command.hook('preAction', () => {
    const sources = { file: null, environment: {}, flags: typed(command, names) };
    for (const [name, { value }] of resolveSection(section, sources)) command.setOptionValue(name, value);
  });
}

type Names = ReadonlyMap<string, string>;

/** Gives the name of the setting for each name that commander gives an option. */
function addFlags(command: Command, section: SectionName): Names {
  const names = new Map<string, string>();
  for (const [name, setting] of Object.entries<Setting>(sections[section].settings)) {
    const option = optionOf(setting, variableOf(section, name));
    names.set(option.attributeName(), name);
    command.addOption(option);
  }
  return names;
}

function optionOf(setting: Setting, variable: string): Option {
  const { flags, meaning, fallback, isRepeatable } = setting;
  const option = new Option(flags, `${meaning} (or ${variable})`);
  const choices = choicesOf(setting);
  if (choices !== null) option.choices(choices);
  if (isRepeatable === true) option.argParser(collect);
  const isShown = fallback !== undefined && fallback !== false && !isEmpty(fallback);
  return isShown ? option.default(Array.isArray(fallback) ? fallback.join(',') : fallback) : option;
}

function choicesOf({ schema }: Setting): readonly string[] | null {
  const { enum: values } = schema as { readonly enum?: readonly unknown[] };
  return values === undefined ? null : values.map(String);
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function collect(text: string, earlier: unknown): readonly string[] {
  return Array.isArray(earlier) ? [...earlier.map(String), text] : [text];
}

/** What stands in the command line itself, by the setting's name. */
function typed(command: Command, names: Names): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    [...names]
      .filter(([attribute]) => command.getOptionValueSource(attribute) === 'cli')
      .map(([attribute, name]) => [name, command.getOptionValue(attribute)]),
  );
}
