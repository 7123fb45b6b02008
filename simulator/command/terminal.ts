/** Prints one line. */
export function print(line: string): void {
  console.log(line);
}

/** How often a line of progress goes to a file. */
const progressEveryMs = 30_000;

let lastProgressMs = Number.NEGATIVE_INFINITY;

/** Shows progress: on a terminal the line replaces the one before it, in a file there is one now and then. */
export function showProgress(line: string): void {
  if (process.stdout.isTTY) {
    process.stdout.write(`\r\u001b[2K${line}`);
    return;
  }
  if (performance.now() - lastProgressMs < progressEveryMs) return;
  lastProgressMs = performance.now();
  print(line);
}

/** An option's value. */
export function wholeNumber(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} takes a whole number, not "${text}"`);
}

/** A bar of what is done, from 0 to 1. */
export function progressBar(share: number): string {
  const done = Math.min(20, Math.floor(share * 20));
  return `[${'#'.repeat(done)}${'.'.repeat(20 - done)}]`;
}

/** Runs a command to its end: true is success, and what it throws is said with how to use it. */
export function runMain(main: () => Promise<boolean>, usage: string): void {
  main().then(
    (isWell) => {
      process.exitCode = isWell ? 0 : 1;
    },
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : String(error));
      console.error(usage);
      process.exitCode = 2;
    },
  );
}
