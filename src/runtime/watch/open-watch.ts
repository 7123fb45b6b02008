import type { Clock } from '../../ports/clock.ts';
import type { WatchHandle } from './watch-api.ts';

/** A stream that begins in a later turn of the event loop; `open` gives null when it was refused. */
export function openWatchLater(clock: Clock, open: () => WatchHandle | null): WatchHandle {
  let handle: WatchHandle | null = null;
  let isClosed = false;
  let isWanting = false;
  clock.afterPendingEvents(() => {
    if (isClosed) return;
    handle = open();
    // Its listener may have done both in answer to the beginning.
    if (isClosed) handle?.close();
    else if (isWanting) handle?.more();
  });
  return {
    more: () => {
      isWanting = true;
      handle?.more();
    },
    close: () => {
      isClosed = true;
      handle?.close();
    },
  };
}
