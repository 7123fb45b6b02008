import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../bench/support/project.ts';

/** The systemd unit that the package comes with; its instances are named by the controller’s id. */
export const unitFile = join(projectFolder, 'deploy', 'systemd', 'ottla@.service');

/** The values of one setting of the unit, in their order. */
export function unitValues(name: string): readonly string[] {
  const lines = readFileSync(unitFile, 'utf8').split('\n');
  return lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
}

/** The words of the command by which systemd starts an instance, with the variables of its environment file. */
export function startCommand(instance: string, environment: ReadonlyMap<string, string>): readonly string[] {
  const [command = ''] = unitValues('ExecStart');
  return command
    .replaceAll('%i', instance)
    .split(' ')
    .flatMap((word) => expand(word, environment));
}

/** `${NAME}` is one word whatever it holds; `$NAME` by itself is as many words as it holds. */
function expand(word: string, environment: ReadonlyMap<string, string>): readonly string[] {
  const alone = /^\$([A-Z_]+)$/.exec(word)?.[1];
  if (alone !== undefined) return (environment.get(alone) ?? '').split(/\s+/).filter((part) => part !== '');
  return [word.replaceAll(/\$\{([A-Z_]+)\}/g, (_whole, name: string) => environment.get(name) ?? '')];
}

/** The lines of an environment file. */
export function readEnvironment(text: string): ReadonlyMap<string, string> {
  const entries = [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)];
  return new Map(entries.map(([, name = '', value = '']) => [name, value] as const));
}
