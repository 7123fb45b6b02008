/**
 * One call of the workload, as data. `keyed`: under a key of the client's session, so that it takes effect
 * once however often it is sent. `hasBareKey`: that key is one of its own, and of no session.
 * `isAfterOwn`: its answer reflects all that this client was told before.
 * `isConditional`: only if nobody has changed what this client has seen of the resource, where it has.
 * `past`: it shows the state at one of the offsets that this client was told, so many answers ago, or so many records
 * before that.
 * `isValidation`: says what it would do, and does nothing.
 */
export type PlannedCall = {
  readonly atUs: number;
  readonly client: number;
  readonly operationId: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly isWrite: boolean;
  readonly keyed: boolean;
  readonly hasBareKey?: boolean;
  readonly consistency: 'linearizable' | 'stale';
  readonly isAfterOwn: boolean;
  readonly isConditional?: boolean;
  readonly isValidation?: boolean;
  readonly past?: { readonly answersAgo: number; readonly recordsBefore: number };
  /** How long its client waits for an answer to one attempt; a second when absent. */
  readonly timeoutMs?: number;
};

/** As whom a client of the workload asks. */
export function principalOf(client: number): string {
  return `client-${client}`;
}

type PlannedPart = {
  readonly operationId: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly body?: Readonly<Record<string, unknown>>;
};

/** The operations of one kind in a planned transaction. */
export function partsOf({ body }: Pick<PlannedCall, 'body'>, operationId: string): readonly PlannedPart[] {
  // As the generator has made it.
  const parts = body['operations'] as readonly PlannedPart[];
  return parts.filter((part) => part.operationId === operationId);
}
