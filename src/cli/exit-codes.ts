/**
 * What the command tells the shell. Scripts depend on these: a meaning never changes, and each has its line
 * in the help text and in the documents, which are made from this table.
 */
export const exitCodes = {
  success: { code: 0, meaning: 'It was done.' },
  failure: { code: 1, meaning: 'Something went wrong that has no code of its own.' },
  usage: { code: 2, meaning: 'The command line is not a legal one. Nothing was sent.' },
  noAnswer: { code: 3, meaning: 'No controller answered in time, or none leads. Nothing was changed.' },
  notFound: { code: 4, meaning: 'What was named does not exist.' },
  conflict: { code: 5, meaning: 'The cluster is in a state that does not allow it. Nothing was changed.' },
  outcomeUnknown: {
    code: 6,
    meaning: 'A change was sent, and whether it took effect is not known. Look before you repeat it.',
  },
  refused: { code: 7, meaning: 'The cluster found the request wrong. Nothing was changed.' },
  cannotStart: {
    code: 8,
    meaning: 'A server could not start: an address is taken, a directory locked or damaged, a setting wrong.',
  },
  stopped: { code: 9, meaning: 'A server stopped by itself; the last lines say why.' },
  notAllowed: {
    code: 10,
    meaning: 'The cluster does not know who asks, or its role does not allow it. Nothing was changed.',
  },
  checkFailed: { code: 11, meaning: 'What was looked at is not as it should be; the last lines say what.' },
} as const;

export type ExitName = keyof typeof exitCodes;

/** The part of the help text that lists them. */
export function exitCodeHelp(): string {
  const lines = Object.values(exitCodes).map(
    ({ code, meaning }) => `  ${String(code).padStart(2)}  ${meaning}`,
  );
  return ['Exit codes:', ...lines].join('\n');
}
