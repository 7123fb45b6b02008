/** Stretches of time in which a device finishes nothing; they may overlap, and the last one's end counts. */
export class Stalls {
  #goingOn = 0;
  #waiting: (() => void)[] = [];

  /** Nothing completes until the stall has ended. */
  begin(): void {
    this.#goingOn++;
  }

  end(): void {
    this.#goingOn = Math.max(0, this.#goingOn - 1);
    if (this.#goingOn > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const goOn of waiting) goOn();
  }

  endAll(): void {
    this.#goingOn = 0;
    this.end();
  }

  /** True when `goOn` waits for the end of a stall, and will then be called. */
  holdBack(goOn: () => void): boolean {
    if (this.#goingOn === 0) return false;
    this.#waiting.push(goOn);
    return true;
  }
}
