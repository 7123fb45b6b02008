import { isStopMessage, type ChildMessage } from './messages.ts';

/** Why a child ends. */
export type EndOfLife = 'SIGTERM' | 'SIGINT' | 'the parent said so' | 'the parent is gone';

export type ChildLife = {
  tell(message: ChildMessage): void;
  /** Resolves when it is time to end: the parent said so, or is gone, or a signal came. */
  readonly ended: Promise<EndOfLife>;
  /** Lets go of the parent: an open channel would keep the process from ending by itself. */
  release(): void;
};

/**
 * The ties between a child and its parent. A child whose parent is gone ends: nobody would ever stop it.
 * Started by hand, without a parent, it lives until a signal comes.
 */
export function childLife(): ChildLife {
  const hasParent = process.send !== undefined;
  const ended = new Promise<EndOfLife>((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.on('SIGINT', () => {
      // Ctrl-C reaches the whole group; with a parent it is the parent who decides the order of things.
      if (!hasParent) resolve('SIGINT');
    });
    process.once('disconnect', () => resolve('the parent is gone'));
    process.on('message', (message) => {
      if (isStopMessage(message)) resolve('the parent said so');
    });
    if (hasParent && !process.connected) resolve('the parent is gone');
  });
  return {
    ended,
    release: () => {
      if (process.connected) process.disconnect();
    },
    tell: (message) => {
      if (!hasParent || !process.connected) {
        if (message.type === 'says') process.stderr.write(`${message.text}\n`);
        return;
      }
      // A parent that ends at this very moment makes the send fail, and `disconnect` says so as well.
      process.send?.(message, undefined, undefined, () => {});
    },
  };
}

/** Leaving in an orderly way is worth a moment, and no more: without a quorum nobody could allow it. */
const orderlyCloseMs = 4_000;
/**
 * With the parent gone the controllers are going, too, and there is nobody to take a broker's leave: what
 * matters now is that its port is free when somebody starts it all again.
 */
const orphanCloseMs = 200;

/** How long a broker may take to leave; null stands for one that has stopped by itself. */
export function brokerCloseMs(why: EndOfLife | null): number {
  return why === 'the parent is gone' ? orphanCloseMs : orderlyCloseMs;
}
