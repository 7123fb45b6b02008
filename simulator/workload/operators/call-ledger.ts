import type { Offset } from '../../../src/base/brands.ts';
import type { ErrorCode } from '../../../src/metadata/errors.ts';
import type { MetadataRecord } from '../../../src/metadata/registry.ts';
import type { ControllerAnswer } from '../../../src/runtime/controller-api.ts';
import type { Condition } from './condition.ts';
import type { ExchangeOutcome } from './exchange.ts';
import type { PlannedCall } from './planned-call.ts';

/** A key: its place in a session, without what may be forgotten, or a bare one, which is its principal's own. */
export type KeyPlace =
  | { readonly sessionId: number; readonly sequence: number }
  | { readonly principal: string; readonly key: string };

export function keyText(place: KeyPlace): string {
  return 'key' in place ? `${place.principal} ${place.key}` : `${place.sessionId}:${place.sequence}`;
}

export type AnswerRecord = Extract<MetadataRecord, { type: 'SessionAnswerRecord' | 'HeaderAnswerRecord' }>;

/** It remembers what was answered under a key. */
export function isAnswerRecord(record: MetadataRecord): record is AnswerRecord {
  return record.type === 'SessionAnswerRecord' || record.type === 'HeaderAnswerRecord';
}

export type CallOutcome =
  | { readonly kind: 'answered'; readonly answer: ControllerAnswer }
  /** A definite error. */
  | { readonly kind: 'refused'; readonly code: string }
  /** Nobody took it: nothing was done. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'unknown' };

/** What a client sends, the same in every attempt. */
export type SentRequest = {
  readonly operationId: string;
  readonly input: { readonly params: unknown; readonly query: unknown; readonly body: unknown };
  readonly ifMatch: Offset | null;
};

/** One call of a client, with all its attempts. */
export type CallEntry = {
  readonly id: number;
  readonly planned: PlannedCall;
  /** The highest offset that anybody had been told of when it began, and that this client had been. */
  readonly invokedAfter: number;
  readonly clientWasTold: number;
  /** The keys that it was sent under: one, or more where its session was lost before it was executed. */
  readonly keys: KeyPlace[];
  /** The session whose end it asks for; null when it asks for something else, or was not sent yet. */
  closes: number | null;
  /** Null until it is sent; a planned body may leave to the client what it cannot know before. */
  sent: SentRequest | null;
  outcome: CallOutcome | null;
};

/** One answer to one attempt. */
export type CallAnswer = {
  readonly entry: CallEntry;
  readonly key: KeyPlace | null;
  readonly minOffset: number | null;
  /** Of a read of the past. */
  readonly atOffset: number | null;
  /** What it was made to depend on; null for nothing. */
  readonly condition: Condition | null;
  readonly input: SentRequest['input'];
  readonly operationId: string;
  readonly answer: ControllerAnswer;
};

/** What judges calls: each answer as it arrives, and what became of each call. */
export type CallJudge = {
  answered?(answer: CallAnswer): void;
  settled?(entry: CallEntry): void;
  /** It is sent, for the first time or again. */
  attempting?(entry: CallEntry): void;
  attempted?(entry: CallEntry, outcome: ExchangeOutcome): void;
};

/** Answers that say nothing about the operation: not here, not now, or nobody knows. */
const passing: ReadonlySet<ErrorCode> = new Set([
  'NOT_CONTROLLER',
  'THROTTLING_QUOTA_EXCEEDED',
  'STORAGE_LOW',
  'REQUEST_TIMED_OUT',
  'OUTCOME_UNKNOWN',
]);

/** True for what the state machine itself has answered, be it an error. */
export function isDefinitive({ result }: ControllerAnswer): boolean {
  return result.ok || !passing.has(result.code);
}

/** All calls of a run, in the order in which they began. */
export class CallLedger {
  readonly entries: CallEntry[] = [];
  readonly judges: CallJudge[] = [];
  readonly counts = { answered: 0, refused: 0, unreachable: 0, unknown: 0 };
  readonly #refusals = new Map<string, number>();

  get pendingCount(): number {
    const { answered, refused, unreachable, unknown } = this.counts;
    return this.entries.length - answered - refused - unreachable - unknown;
  }

  /** Which refusals clients met, for coverage. */
  marks(): readonly (readonly [string, number])[] {
    return [...this.#refusals].map(([code, count]) => [`call refused: ${code}`, count] as const);
  }

  begin(planned: PlannedCall, invokedAfter: number, clientWasTold: number): CallEntry {
    const id = this.entries.length + 1;
    const entry: CallEntry = {
      id,
      planned,
      invokedAfter,
      clientWasTold,
      keys: [],
      closes: null,
      sent: null,
      outcome: null,
    };
    this.entries.push(entry);
    return entry;
  }

  attempting(entry: CallEntry): void {
    for (const judge of this.judges) judge.attempting?.(entry);
  }

  attempted(entry: CallEntry, outcome: ExchangeOutcome): void {
    for (const judge of this.judges) judge.attempted?.(entry, outcome);
  }

  answered(answer: CallAnswer): void {
    for (const judge of this.judges) judge.answered?.(answer);
  }

  settle(entry: CallEntry, outcome: CallOutcome): void {
    entry.outcome = outcome;
    this.counts[outcome.kind]++;
    if (outcome.kind === 'refused') {
      this.#refusals.set(outcome.code, (this.#refusals.get(outcome.code) ?? 0) + 1);
    }
    for (const judge of this.judges) judge.settled?.(entry);
  }
}
