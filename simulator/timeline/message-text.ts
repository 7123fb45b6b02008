import type { PeerMessage } from '../../src/ports/transport.ts';

/** A message in one line; batches are counted, and what is the same in all messages is left out. */
export function messageInOneLine({ message }: PeerMessage): string {
  return JSON.stringify(message, (key, value: unknown) => {
    if (key === 'batches' && Array.isArray(value)) return value.length;
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    return key === 'clusterId' || key === 'directoryId' ? undefined : value;
  });
}
