import { assert } from '../../../base/assert.ts';
import type { Uuid } from '../../../base/brands.ts';
import { compareStrings } from '../../../base/compare.ts';
import { KeyedTable, type KeyedTableDraft } from '../../../base/keyed-table.ts';
import { defineKind, type PositionedRecord, rowPosition } from '../../resource.ts';
import { int64, type StructOf } from '../../schema.ts';
import { removeTokenRecord, type TokenRecord, tokenRecord } from './records.ts';

const tokenFields = { ...tokenRecord.fields, lastModified: int64 };

export type TokenRow = StructOf<typeof tokenFields>;
export type TokenState = { readonly tokens: KeyedTable<Uuid, TokenRow> };
export type TokenDraft = { readonly tokens: KeyedTableDraft<Uuid, TokenRow> };

export const resource = defineKind<
  'token',
  readonly [typeof tokenRecord, typeof removeTokenRecord],
  TokenState,
  TokenDraft
>({
  name: 'token',
  records: [tokenRecord, removeTokenRecord],
  empty: () => Object.freeze({ tokens: KeyedTable.empty<Uuid, TokenRow>(compareStrings) }),
  edit: (state, token) => ({ tokens: state.tokens.edit(token) }),
  freeze: (draft) => Object.freeze({ tokens: draft.tokens.freeze() }),
  replay: {
    TokenRecord: (draft, record, position) => {
      const { type: _type, ...fields } = record;
      draft.tokens.set(record.tokenId, { ...fields, lastModified: position.offset });
    },
    RemoveTokenRecord: (draft, record) => {
      const known = draft.tokens.delete(record.tokenId);
      assert(known, `token ${record.tokenId} is revoked but was not there`);
    },
  },
  tables: [
    {
      kind: 'rows',
      id: 10,
      name: 'token',
      fields: tokenFields,
      table: (state) => state.tokens.rows,
      load: (draft, slot, row: TokenRow) => draft.tokens.place(slot, row.tokenId, row),
    },
  ],
  *toRecords(state): Iterable<PositionedRecord<TokenRecord>> {
    for (const { lastModified, ...fields } of state.tokens.values()) {
      yield { record: { type: 'TokenRecord', ...fields }, position: rowPosition(lastModified) };
    }
  },
});
