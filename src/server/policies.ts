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
  if (policyModule === undefined) return ok(policies);
  const exported = await importModule(policyModule);
  if (!exported.ok) return exported;
  const found = names.filter((name) => exported.value[name] !== undefined);
  const wrong = found.find((name) => typeof exported.value[name] !== 'function');
  if (wrong !== undefined) return failed(`${policyModule} exports ${wrong}, which is no function.`);
  if (found.length === 0) {
    return failed(`${policyModule} exports no policy; it should export ${names.join(' or ')}, as functions.`);
  }
  return ok(Object.fromEntries(found.map((name) => [name, exported.value[name]])));
}

/** What is exported by name, or as the members of the default. */
async function importModule(path: string): Promise<Result<Readonly<Record<string, unknown>>, string>> {
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>;
    const { default: standard } = module;
    return ok(typeof standard === 'object' && standard !== null ? { ...standard, ...module } : module);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failed(`The policies cannot be read from ${path}: ${reason}`);
  }
}
