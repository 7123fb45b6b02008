/** Events that whoever iterates has not taken yet; more of them end the iteration. */
const eventsMax = 10_000;

/**
 * What a source tells of from now on, one by one, up to and with the event that `isLast`. It ends as well when
 * whoever iterates does. One who takes nothing for very long is cut off by an error: events that were left out in
 * silence would be worse.
 */
export async function* streamEvents<Event>(
  subscribe: (listener: (event: Event) => void) => () => void,
  isLast: (event: Event) => boolean,
): AsyncGenerator<Event, void, undefined> {
  const waiting: Event[] = [];
  let wake = (): void => {};
  const end = subscribe((event) => {
    waiting.push(event);
    wake();
  });
  try {
    for (;;) {
      if (waiting.length > eventsMax) throw new Error(`More than ${eventsMax} events were not taken.`);
      const event = waiting.shift();
      if (event === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      yield event;
      if (isLast(event)) return;
    }
  } finally {
    end();
  }
}
