import { compareNumbers } from '../../../base/compare.ts';
import { KeyedTable, type KeyedTableDraft } from '../../../base/keyed-table.ts';
import { defineKind, rowPosition } from '../../resource.ts';
import { defineRecord, int32, int64, type StructOf } from '../../schema.ts';

/** A block of producer ids is given to a broker: everything below `nextProducerId` is given out now. */
export const producerIdsRecord = defineRecord({
  name: 'ProducerIdsRecord',
  id: 15,
  fields: { brokerId: int32, brokerEpoch: int64, nextProducerId: int64 },
});

const blockFields = { ...producerIdsRecord.fields, lastModified: int64 };

/** The block that was given out last. */
export type ProducerIdBlockRow = StructOf<typeof blockFields>;
export type ProducerIdState = { readonly blocks: KeyedTable<number, ProducerIdBlockRow> };
type ProducerIdDraft = { readonly blocks: KeyedTableDraft<number, ProducerIdBlockRow> };

/** There is one row at most, under this key. */
const lastBlock = 0;

export const resource = defineKind<
  'producerId',
  readonly [typeof producerIdsRecord],
  ProducerIdState,
  ProducerIdDraft
>({
  name: 'producerId',
  records: [producerIdsRecord],
  empty: () => Object.freeze({ blocks: KeyedTable.empty<number, ProducerIdBlockRow>(compareNumbers) }),
  edit: (state, token) => ({ blocks: state.blocks.edit(token) }),
  freeze: (draft) => Object.freeze({ blocks: draft.blocks.freeze() }),
  replay: {
    ProducerIdsRecord: (draft, { type: _type, ...fields }, position) => {
      draft.blocks.set(lastBlock, { ...fields, lastModified: position.offset });
    },
  },
  tables: [
    {
      kind: 'rows',
      id: 18,
      name: 'producerIds',
      fields: blockFields,
      table: (state) => state.blocks.rows,
      load: (draft, slot, row: ProducerIdBlockRow) => draft.blocks.place(slot, lastBlock, row),
    },
  ],
  *toRecords(state) {
    for (const { lastModified, ...fields } of state.blocks.values()) {
      yield { record: { type: 'ProducerIdsRecord', ...fields }, position: rowPosition(lastModified) };
    }
  },
});

/** The block that was given out last; null before the first. */
export function lastProducerIdBlock({ blocks }: ProducerIdState): ProducerIdBlockRow | null {
  return blocks.get(lastBlock);
}
