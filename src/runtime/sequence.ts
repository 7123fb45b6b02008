/**
 * A procedure over several ports, written from top to bottom: it yields one submission at a time and is
 * resumed with its completion. Like `ports/task.ts`, but for any port; a completion may come at once.
 */
export type Sequence<Value> = Generator<Suspension, Value, unknown>;

type Suspension = (resume: (value: unknown) => void) => void;

/** Submits, and gives what the completion brings. */
export function* wait<Value>(submit: (complete: (value: Value) => void) => void): Sequence<Value> {
  const value = yield (resume) => submit(resume);
  return value as Value;
}

/**
 * Drives `sequence` to its end and hands its value to `done`. Completions that come at once are taken in
 * a loop, so that a long run of them does not deepen the stack.
 */
export function runSequence<Value>(sequence: Sequence<Value>, done: (value: Value) => void): void {
  let inbox: { value: unknown } | null = null;
  let isDriving = false;

  const drive = (): void => {
    isDriving = true;
    while (inbox !== null) {
      const { value } = inbox;
      inbox = null;
      const next = sequence.next(value);
      if (next.done === true) {
        isDriving = false;
        done(next.value);
        return;
      }
      next.value(resume);
    }
    isDriving = false;
  };

  const resume = (value: unknown): void => {
    inbox = { value };
    if (!isDriving) drive();
  };

  resume(undefined);
}
