/**
 * Counts the calls that a process makes to its ports, and ends it before one of them. A step's effects
 * reach the world through these calls alone, so this is a crash between any two of its effects.
 */
export class CrashPoint {
  #callsLeft = 0;
  #crash: (() => void) | null = null;

  /** Calls `crash` before the call that is number `calls` from now on. */
  arm(calls: number, crash: () => void): void {
    this.#callsLeft = calls;
    this.#crash = crash;
  }

  disarm(): void {
    this.#crash = null;
  }

  /** The process is about to call a port. */
  passed(): void {
    const crash = this.#crash;
    if (crash === null) return;
    this.#callsLeft--;
    if (this.#callsLeft > 0) return;
    this.#crash = null;
    crash();
  }
}
