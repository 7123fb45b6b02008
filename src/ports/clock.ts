/** Time and timers, so that the simulator can stand in for both. */
export type Clock = {
  /** Monotonic, in ms, with a fraction allowed; unrelated to any calendar. */
  monotonicMs(): number;
  /** Wall clock, in integer ms since 1970. It may jump. */
  wallMs(): number;
  /** Calls back once, no sooner than `delayMs` from now, never from within this call. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Calls back after the sockets and completions that wait have been handled. */
  afterPendingEvents(callback: () => void): void;
};

export type Timer = {
  cancel(): void;
  /** The process may end before it is due; absent where processes do not end by themselves. */
  unref?(): void;
};
