import type { FileOperation } from '../../src/ports/files.ts';

/** What a process asks of a port: to send a message, something of its database of checkpoints, or of its files. */
export type PortCall = 'send' | 'store' | FileOperation['kind'];

/**
 * Counts the calls that a process makes to its ports, and ends it before one of them. A step's effects
 * reach the world through these calls alone, so this is a crash between any two of its effects.
 */
export class CrashPoint {
  #callsLeft = 0;
  /** Only such calls count; null: all do. */
  #counted: PortCall | null = null;
  #crash: (() => void) | null = null;

  /**
   * Calls `crash` before the call that is number `calls` from now on; or, where a kind is named, before whatever
   * call follows number `calls` of that kind. What is rare, as a rename, is hit as easily by that as what is not
   * (Alice: Pillai and others, OSDI 14).
   */
  arm(calls: number, crash: () => void, counted: PortCall | null = null): void {
    this.#callsLeft = calls;
    this.#counted = counted;
    this.#crash = crash;
  }

  disarm(): void {
    this.#crash = null;
  }

  /** The process is about to make a call. */
  passed(call: PortCall): void {
    const crash = this.#crash;
    if (crash === null) return;
    if (this.#counted !== null) {
      if (this.#counted !== call) return;
      this.#callsLeft--;
      if (this.#callsLeft > 0) return;
      this.#counted = null;
      this.#callsLeft = 1;
      return;
    }
    this.#callsLeft--;
    if (this.#callsLeft > 0) return;
    this.#crash = null;
    crash();
  }
}
