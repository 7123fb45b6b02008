import { readFileSync } from 'node:fs';
import { CliFailure } from '../failures.ts';
import { didYouMean } from '../output/suggest.ts';
import { isRecord } from '../records.ts';
import { type SectionName, sections } from './definitions.ts';

/** What a file says, by section and name; the values are not checked yet. */
export type ConfigFile = {
  readonly path: string;
  readonly sections: Readonly<Partial<Record<SectionName, Readonly<Record<string, unknown>>>>>;
};

/** Reads a file of settings, JSON or YAML (of which JSON is a part). Names that there are not are refused. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const content = await parse(path, readText(path));
  if (content === null || content === undefined) return { path, sections: {} };
  if (!isRecord(content)) throw unusable(path, 'it holds no names with values');
  const found: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const [name, section] of Object.entries(content)) {
    checkName(path, '', name, Object.keys(sections));
    if (!isRecord(section)) throw unusable(path, `${name} holds no names with values`);
    const known = Object.keys(sections[name as SectionName].settings);
    for (const key of Object.keys(section)) checkName(path, `${name}.`, key, known);
    found[name] = section;
  }
  return { path, sections: found };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
}

async function parse(path: string, text: string): Promise<unknown> {
  const { parse: parseYaml } = await import('yaml');
  try {
    return parseYaml(text);
  } catch (error) {
    throw unusable(path, error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}

function checkName(path: string, prefix: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  throw new CliFailure(
    'usage',
    `There is no setting ${prefix}${name}, which stands in ${path}${didYouMean(name, known) || '.'}`,
    `There are: ${known.map((each) => `${prefix}${each}`).join(', ')}.`,
  );
}

function unusable(path: string, reason: string): CliFailure {
  return new CliFailure(
    'usage',
    `The file of settings ${path} cannot be used: ${reason.replace(/[.:]$/, '')}.`,
    'Name a file of JSON or YAML with the sections client and server, by --config or OTTLA_CONFIG.',
  );
}
