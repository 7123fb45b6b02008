import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uuid, type Uuid } from '../../src/base/brands.ts';
import { EditToken } from '../../src/base/edit-token.ts';
import { UuidTable } from '../../src/base/uuid-table.ts';

type Row = { readonly id: Uuid; readonly value: number };

/** Twelve ids, of which four each share their first five characters, so that they clash in the index. */
const ids = ['AAAAA', 'AAAAB', '-_09z'].flatMap((prefix) =>
  [0, 1, 2, 3].map((at) => uuid(`${prefix}${String(at).padStart(16, 'x')}A`)),
);

const steps = fc.array(
  fc.record({ id: fc.constantFrom(...ids), kind: fc.constantFrom('add', 'delete', 'freeze') }),
  { maxLength: 200, size: 'max' },
);

describe('a table of rows by uuid', () => {
  it('holds what a Map holds, prefixes that clash included, and its snapshots never change', () => {
    fc.assert(
      fc.property(steps, (history) => {
        const model = new Map<Uuid, Row>();
        const seen: { readonly table: UuidTable<Row>; readonly rows: ReadonlyMap<Uuid, Row> }[] = [];
        let draft = UuidTable.empty<Row>((row) => row.id).edit(new EditToken());
        const freeze = (): void => {
          const table = draft.freeze();
          seen.push({ table, rows: new Map(model) });
          draft = table.edit(new EditToken());
        };
        for (const [value, { id, kind }] of history.entries()) {
          if (kind === 'freeze') freeze();
          else if (kind === 'delete' && model.delete(id)) draft.delete(id);
          else if (kind === 'add' && !model.has(id)) {
            model.set(id, { id, value });
            draft.add(id, { id, value });
          }
          expect(ids.filter((each) => draft.slotOf(each) !== null)).toEqual(
            ids.filter((each) => model.has(each)),
          );
        }
        freeze();
        for (const { table, rows } of seen) {
          expect(table.size).toBe(rows.size);
          expect(ids.map((id) => table.get(id))).toEqual(ids.map((id) => rows.get(id) ?? null));
          expect(new Set(table.values())).toEqual(new Set(rows.values()));
        }
      }),
    );
  });

  it('refuses an id twice, be it the first of its prefix or a later one', () => {
    const [first, second] = ids as [Uuid, Uuid];
    for (const twice of [first, second]) {
      const draft = UuidTable.empty<Row>((row) => row.id).edit(new EditToken());
      draft.add(first, { id: first, value: 1 });
      draft.add(second, { id: second, value: 2 });
      expect(() => draft.add(twice, { id: twice, value: 3 })).toThrow(/used twice/);
    }
  });
});
