import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  register,
  type RegisterOperation,
  withoutUnseenWrites,
} from '../../simulator/linearizability/register.ts';
import { checkLinearizable, type HistoryEvent } from '../../simulator/linearizability/wing-gong-lowe.ts';

type Event = HistoryEvent<RegisterOperation>;

/** `w3` and `r3` begin a write or read of 3 under an id of its own, the letter before it; `.` is its return. */
function history(text: string): readonly Event[] {
  return text.split(' ').map((word): Event => {
    const id = word.charCodeAt(0);
    if (word.endsWith('.')) return { kind: 'returned', id };
    const kind = word[1] === 'w' ? 'write' : 'read';
    return { kind: 'invoked', id, operation: { kind, value: Number(word.slice(2)) } };
  });
}

function verdictOf(text: string): string {
  return checkLinearizable(register, history(text)).kind;
}

describe('the search for an order of what is concurrent', () => {
  it.each([
    ['nothing written yet', 'ar0 a.'],
    ['a read after a write', 'aw1 a. br1 b.'],
    ['a read during a write sees it', 'aw1 br1 b. a.'],
    ['a read during a write does not see it yet', 'aw1 br0 b. a.'],
    ['two reads during a write, the old value first', 'aw1 br0 b. cr1 c. a.'],
    ['two concurrent writes in either order', 'aw1 bw2 a. b. cr1 c.'],
    ['a write whose outcome is unknown is read much later', 'aw1 bw2 b. cr2 c. dr1 d.'],
    ['a write whose outcome is unknown never happens', 'aw1 bw2 b. cr2 c. dr2 d.'],
    ['a write that outlasts another is the last', 'aw1 bw2 b. cr1 a. c. dr1 d.'],
  ])('is found: %s', (_name, text) => {
    expect(verdictOf(text)).toBe('linearizable');
  });

  it.each([
    ['a stale read', 'aw1 a. bw2 b. cr1 c.'],
    ['a value from nowhere', 'ar7 a.'],
    ['a read goes back during a write', 'aw1 br1 b. cr0 c. a.'],
    ['two readers see two writes in different orders', 'aw1 bw2 a. b. cr1 c. dr2 d. er1 e.'],
    ['an acknowledged write is lost', 'aw1 a. br0 b.'],
    ['a write that nobody acknowledged takes effect twice', 'aw1 br1 b. cw2 c. dr2 d. er1 e. fw3 f. gr1 g.'],
    ['it is read before it was invoked', 'ar1 a. bw1 b.'],
  ])('is missed: %s', (_name, text) => {
    expect(verdictOf(text)).toBe('not linearizable');
  });

  it('names the first operation that nothing explains', () => {
    expect(checkLinearizable(register, history('aw1 a. bw2 b. cr1 c. dr1 d.'))).toEqual({
      kind: 'not linearizable',
      id: 'c'.charCodeAt(0),
    });
  });

  it('says that it does not know where too much is open at once', () => {
    const events: Event[] = [];
    for (let id = 1; id <= 30; id++) {
      events.push({ kind: 'invoked', id, operation: { kind: 'write', value: id } });
    }
    events.push({ kind: 'invoked', id: 31, operation: { kind: 'read', value: 99 } });
    events.push({ kind: 'returned', id: 31 });
    expect(checkLinearizable(register, events).kind).toBe('undecided');
  });

  it('drops only those unknown writes that nobody has read', () => {
    const kept = withoutUnseenWrites(history('aw1 bw2 cw3 c. dr1 d.'));
    expect(kept).toEqual(history('aw1 cw3 c. dr1 d.'));
  });
});

/** One operation of a register that does everything in one instant, somewhere between call and return. */
type Planned = {
  readonly kind: 'write' | 'read';
  readonly begins: number;
  readonly takes: number;
  readonly lasts: number;
  readonly isLost: boolean;
};

const planned: fc.Arbitrary<Planned> = fc.record({
  kind: fc.constantFrom('write' as const, 'read' as const),
  begins: fc.integer({ min: 0, max: 200 }),
  takes: fc.integer({ min: 0, max: 8 }),
  lasts: fc.integer({ min: 0, max: 8 }),
  isLost: fc.boolean(),
});

/** What callers of such a register would have seen. */
function play(operations: readonly Planned[]): readonly Event[] {
  const moments = operations.flatMap(({ begins, takes, lasts }, id) => [
    { at: begins, order: 0, id },
    { at: begins + takes, order: 1, id },
    { at: begins + takes + lasts, order: 2, id },
  ]);
  const inOrder = moments.toSorted((left, right) => left.at - right.at || left.order - right.order);
  const values = new Map<number, number>();
  let value = 0;
  for (const { order, id } of inOrder) {
    if (order !== 1) continue;
    if (operations[id]?.kind === 'write') value = id + 1;
    values.set(id, value);
  }
  return inOrder.flatMap(({ order, id }): readonly Event[] => {
    const operation = operations[id];
    if (operation === undefined || order === 1) return [];
    const known = { kind: operation.kind, value: values.get(id) ?? 0 };
    if (order === 0) return [{ kind: 'invoked', id, operation: known }];
    return operation.kind === 'write' && operation.isLost ? [] : [{ kind: 'returned', id }];
  });
}

describe('the search over histories that a real register gave', () => {
  it('finds an order for each of them', () => {
    fc.assert(
      fc.property(fc.array(planned, { maxLength: 60, size: 'max' }), (operations) => {
        const events = withoutUnseenWrites(play(operations));
        expect(checkLinearizable(register, events).kind).not.toBe('not linearizable');
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('finds none once a read gives a value that was never written', () => {
    fc.assert(
      fc.property(fc.array(planned, { minLength: 1, maxLength: 40, size: 'max' }), (operations) => {
        const events = play(operations);
        const at = events.findIndex((event) => event.kind === 'invoked' && event.operation.kind === 'read');
        fc.pre(at >= 0);
        const wrong = events.map((event, index) =>
          index === at && event.kind === 'invoked'
            ? { ...event, operation: { kind: 'read' as const, value: 1000 } }
            : event,
        );
        expect(checkLinearizable(register, withoutUnseenWrites(wrong)).kind).not.toBe('linearizable');
      }),
      { numRuns: 100, seed: 2 },
    );
  });
});
