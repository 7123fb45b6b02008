import { isRecord } from '../records.ts';

/** What a child of `ottla dev` tells its parent over the channel between them. */
export type ChildMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string }
  /** A broker is registered, with this epoch. */
  | { readonly type: 'registered'; readonly brokerEpoch: number }
  /** Something a person would want to see, already in words. */
  | { readonly type: 'says'; readonly text: string };

/** What the parent tells a child. */
export type ParentMessage = { readonly type: 'stop' };

export function readChildMessage(value: unknown): ChildMessage | null {
  if (!isRecord(value)) return null;
  const { type, message, text, brokerEpoch } = value;
  if (type === 'ready') return { type };
  if (type === 'failed' && typeof message === 'string') return { type, message };
  if (type === 'registered' && typeof brokerEpoch === 'number') return { type, brokerEpoch };
  if (type === 'says' && typeof text === 'string') return { type, text };
  return null;
}

export function isStopMessage(value: unknown): value is ParentMessage {
  return isRecord(value) && value['type'] === 'stop';
}
