import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { failed, ok, type Result } from '../base/result.ts';
import type { Policies } from '../metadata/policy.ts';
import type { ServerConfig } from '../runtime/server-config.ts';

const names = ['createTopic', 'alterConfig'] as const satisfies readonly (keyof Policies)[];

/** The policies that a program has given, or those of a module; what is wrong with it, for a person. */
export async function readPolicies({
  policies = {},
  policyModule,
}: Pick<ServerConfig, 'policies' | 'policyModule'>): Promise<Result<Policies, string>> {
  if (policyModule === undefined) return checked(policies, 'policies');
  if (Object.keys(policies).length > 0) return failed('Give policies or a module of them, not both.');
  const exported = await importModule(policyModule);
  if (!exported.ok) return exported;
  if (Object.keys(exported.value).length === 0) {
    return failed(`${policyModule} exports no policy; it should export ${names.join(' or ')}, as functions.`);
  }
  return checked(exported.value, policyModule);
}

/** A misspelt policy would be none, without a word. */
function checked(given: Readonly<Record<string, unknown>>, from: string): Result<Policies, string> {
  const known: readonly string[] = names;
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return failed(`${from} has '${unknown}', which is no policy; there are ${names.join(' and ')}.`);
  }
  const wrong = names.find((name) => given[name] !== undefined && typeof given[name] !== 'function');
  if (wrong !== undefined) return failed(`${from} has ${wrong}, which is no function.`);
  return ok(given);
}

/** What is exported by name, or as the members of the default. */
async function importModule(path: string): Promise<Result<Readonly<Record<string, unknown>>, string>> {
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>;
    const { default: standard, ...named } = module;
    return ok(typeof standard === 'object' && standard !== null ? { ...standard, ...named } : named);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failed(`The policies cannot be read from ${path}: ${reason}`);
  }
}
