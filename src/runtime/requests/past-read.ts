import type { Offset } from '../../base/brands.ts';
import type { ControllerRequest } from '../controller-api.ts';
import type { PageToken } from './listings.ts';
import type { PastState } from './past-images.ts';

/** What the request says of its `atOffset` that cannot be; null when nothing is. */
export function findPastFault(
  at: Offset,
  { minOffset }: ControllerRequest,
  token: PageToken | 'first',
): string | null {
  if (minOffset !== null && minOffset > at) {
    return `The state at offset ${at} does not reflect everything below the min_offset ${minOffset}.`;
  }
  if (token === 'first' || token.offset === at) return null;
  return `The continue token is of a listing at offset ${token.offset}, and not at ${at}.`;
}

/** Another node may have what this one has not. */
export function mayBeElsewhere({ kind }: PastState): boolean {
  return kind === 'gone' || kind === 'unreadable';
}

export const unreadableLog = 'What this node’s disk has of that time cannot be read.';

/** Why a state that was asked for cannot be shown, for a person and for a program. */
export function explainMissing(
  at: Offset,
  state: Extract<PastState, { kind: 'gone' | 'within' }>,
): { readonly message: string; readonly details: Readonly<Record<string, Offset>> } {
  if (state.kind === 'gone') {
    const { oldest, newest } = state;
    return {
      message: `The state at offset ${at} is not kept any more; from ${oldest} to ${newest} it is.`,
      details: { oldestOffset: oldest, newestOffset: newest },
    };
  }
  const { baseOffset, endOffset } = state;
  return {
    message: `Offset ${at} lies within one batch or transaction, which is seen whole or not at all: ask for ${baseOffset} or ${endOffset}.`,
    details: { batchBaseOffset: baseOffset, batchEndOffset: endOffset },
  };
}
