import type { CompletedCommand, CompletedOption } from './tree.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
  }
}

/** How each shell is told to read its script. */
export const completionHelp = `
Tell your shell once:
  bash   source <(ottla completion bash)        in ~/.bashrc
  zsh    source <(ottla completion zsh)         in ~/.zshrc, after compinit
  fish   ottla completion fish | source         in ~/.config/fish/config.fish`;

/**
 * Both shells walk the words in the same way: a word that names a command goes one step down, anything else
 * (options, their values, arguments) stays where it is.
 */
function walk(commands: readonly CompletedCommand[], wordsFrom: string): string {
  const known = commands.filter(({ words }) => words.length > 0).map(({ words }) => quote(words.join(' ')));
  return `  local at='' word
  for word in ${wordsFrom}; do
    case "\${at:+$at }$word" in
      ${known.join('|')}) at="\${at:+$at }$word" ;;
    esac
  done`;
}

function bashScript(commands: readonly CompletedCommand[]): string {
  return `# Completion of ottla for bash, made by: ottla completion bash
_ottla() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} offered=''
${walk(commands, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"')}
  case "$at $previous" in
${valueCases(commands, (value) => (value === 'file' ? 'COMPREPLY=($(compgen -f -- "$current")); return' : value === 'other' ? 'return' : `offered=${quote(value.join(' '))}`))}
    *)
      case "$at" in
${offeredCases(commands, (words) => `offered=${quote(words.join(' '))}`)}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$current"))
}
complete -F _ottla ottla
`;
}

function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef ottla
# Completion of ottla for zsh, made by: ottla completion zsh
_ottla() {
  local previous=\${words[CURRENT-1]}
${walk(commands, '"${(@)words[2,CURRENT-1]}"')}
  case "$at $previous" in
${valueCases(commands, (value) => (value === 'file' ? '_files' : value === 'other' ? '_message value' : `compadd -- ${value.map(quote).join(' ')}`))}
    *)
      case "$at" in
${offeredCases(commands, (words) => `compadd -- ${words.map(quote).join(' ')}`)}
      esac ;;
  esac
}
if [ "$funcstack[1]" = _ottla ]; then _ottla; else compdef _ottla ottla; fi
`;
}

/** One case for each option that takes a value: what may be its value. */
function valueCases(
  commands: readonly CompletedCommand[],
  offer: (value: Exclude<CompletedOption['value'], 'none'>) => string,
): string {
  return commands
    .flatMap(({ words, options }) =>
      options.flatMap(({ flags, value }) => {
        if (value === 'none') return [];
        const patterns = flags.map((flag) => quote(`${words.join(' ')} ${flag}`));
        return [`    ${patterns.join('|')}) ${offer(value)} ;;`];
      }),
    )
    .join('\n');
}

/** One case for each command: its subcommands, or its options. */
function offeredCases(
  commands: readonly CompletedCommand[],
  offer: (words: readonly string[]) => string,
): string {
  return commands
    .map((command) => `        ${quote(command.words.join(' '))}) ${offer(offeredBy(command))} ;;`)
    .join('\n');
}

function offeredBy({ commands, options, values }: CompletedCommand): readonly string[] {
  const longs = options.map(({ flags }) => flags.at(-1) ?? '');
  return [...commands.map(({ name }) => name), ...values, ...longs];
}

/** fish knows descriptions; which command stands there it finds by the words themselves. */
function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => {
    const condition = `-n ${quote(`__ottla_at "${command.words.join(' ')}"`)}`;
    return [
      ...command.commands.map(
        ({ name, description }) => `complete -c ottla ${condition} -a ${name} -d ${quote(description)}`,
      ),
      ...command.values.map((value) => `complete -c ottla ${condition} -a ${value}`),
      ...command.options.map((option) => `complete -c ottla ${condition} ${fishOption(option)}`),
    ];
  });
  const known = commands.filter(({ words }) => words.length > 0).map(({ words }) => quote(words.join(' ')));
  return `# Completion of ottla for fish, made by: ottla completion fish
function __ottla_at
    set -l at ''
    for word in (commandline -opc)[2..]
        set -l next (string trim "$at $word")
        if contains -- $next ${known.join(' ')}
            set at $next
        end
    end
    test "$at" = "$argv[1]"
end
complete -c ottla -f
${lines.join('\n')}
`;
}

function fishOption({ flags, description, value }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const takes =
    value === 'none'
      ? []
      : value === 'file'
        ? ['-r -F']
        : value === 'other'
          ? ['-x']
          : [`-x -a ${quote(value.join(' '))}`];
  return [...names, ...takes, `-d ${quote(description)}`].join(' ');
}

/** For every one of the three shells: no character means anything within, and a quote is left out. */
function quote(text: string): string {
  return `'${text.replaceAll("'", '’').replaceAll('\\', '')}'`;
}
