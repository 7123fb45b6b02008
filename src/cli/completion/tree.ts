import type { Command, Option } from 'commander';

/** What a shell may offer after the words of one command. */
export type CompletedCommand = {
  /** The words behind the program's name; empty for the program itself. */
  readonly words: readonly string[];
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  /** Values of the first argument, where there are few. */
  readonly values: readonly string[];
};

export type CompletedOption = {
  readonly flags: readonly string[];
  readonly description: string;
  readonly value: 'none' | 'file' | 'other' | readonly string[];
};

/** Every command that the help shows, each with what may stand behind it. */
export function completionTree(program: Command): readonly CompletedCommand[] {
  return completed(program, []);
}

function completed(command: Command, words: readonly string[]): readonly CompletedCommand[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const own: CompletedCommand = {
    words,
    commands: children.map((child) => ({
      name: child.name(),
      description: firstSentence(child.description()),
    })),
    options: help.visibleOptions(command).map(completedOption),
    values: command.registeredArguments[0]?.argChoices ?? [],
  };
  return [own, ...children.flatMap((child) => completed(child, [...words, child.name()]))];
}

function completedOption(option: Option): CompletedOption {
  const flags = [option.short, option.long].filter((flag) => typeof flag === 'string');
  return { flags, description: firstSentence(option.description), value: valueOf(option) };
}

function valueOf({ flags, argChoices }: Option): CompletedOption['value'] {
  if (argChoices !== undefined) return argChoices;
  if (/<(?:file|directory)>/.test(flags)) return 'file';
  return flags.includes('<') ? 'other' : 'none';
}

/** A shell shows one line. */
function firstSentence(text: string): string {
  return text.split(/(?<=\.)\s|[\n;]/)[0] ?? '';
}
