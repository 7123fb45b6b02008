/**
 * Thrown when the program itself is wrong. It is never caught to carry on:
 * the process (or the simulated node) that sees it stops.
 */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Stops the program when `condition` is false. Assertions stay on in production. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}

/**
 * Stops the program. For checks in the hottest loops, where `assert` would build its message each time:
 * `if (page === null) violated(`no page ${index}`)`.
 */
export function violated(message: string): never {
  throw new InvariantViolation(message);
}

/** Stops the program when `value` is absent, and narrows it otherwise. */
export function assertDefined<T>(value: T, message: string): NonNullable<T> {
  if (value === undefined || value === null) throw new InvariantViolation(message);
  return value;
}

/** Closes an exhaustive switch: the compiler refuses a call that can be reached. */
export function assertNever(value: never): never {
  throw new InvariantViolation(`unreachable case: ${JSON.stringify(value)}`);
}
