import { connect } from 'node:net';
import type { Prober } from '../ports/prober.ts';

/** A machine on the way that says nothing for so long is no refusal. */
const connectTimeoutMs = 1_000;
/** An idle connection is kept from being forgotten on its way. */
const keepAliveMs = 30_000;

/** Connections over TCP, which say nothing and read nothing. */
export const tcpProber: Prober = {
  connect({ host, port }, told) {
    const socket = connect({ host, port });
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error('nobody answers')));
    let isOpen = false;
    let isRefused = false;
    socket.on('connect', () => {
      isOpen = true;
      socket.setTimeout(0);
      socket.setKeepAlive(true, keepAliveMs);
      // What should not be there is not kept either.
      socket.resume();
      told('opened');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A name may stand for several addresses, and one that refuses says nothing of the others.
      const errors: readonly NodeJS.ErrnoException[] =
        error instanceof AggregateError ? error.errors : [error];
      isRefused = errors.every(({ code }) => code === 'ECONNREFUSED');
    });
    socket.on('close', () => told(isOpen ? 'closed' : isRefused ? 'refused' : 'failed'));
    return {
      close: () => {
        socket.removeAllListeners('close');
        socket.removeAllListeners('connect');
        socket.destroy();
      },
    };
  },
};
