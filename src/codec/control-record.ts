import type { Result } from '../base/result.ts';
import type { ControlRecord } from '../raft/control-records.ts';
import { type CodecError, unsupportedVersion } from './codec-error.ts';
import { FieldReader } from './field-reader.ts';
import { codecLimits } from './limits.ts';
import { packPositional, unpackPositional } from './msgpack.ts';
import { packVoters, readVoters } from './replica-fields.ts';

/**
 * The payload of a control batch: a positional array of records, each `[type id, version, ...fields]`.
 * The type ids are Kafka's (ControlRecordType), so that a Kafka wire listener can show the same records.
 */
const typeIds = { LeaderChange: 2, KRaftVersion: 5, KRaftVoters: 6 } as const;
const version = 0;

export function encodeControlRecords(records: readonly ControlRecord[]): Uint8Array {
  return packPositional(records.map(packControlRecord));
}

function packControlRecord(record: ControlRecord): readonly unknown[] {
  const head = [typeIds[record.type], version];
  switch (record.type) {
    case 'LeaderChange':
      return [...head, record.leaderId, record.epoch, record.voterIds, record.grantingVoterIds];
    case 'KRaftVersion':
      return [...head, record.kraftVersion];
    case 'KRaftVoters':
      return [...head, packVoters(record.voters)];
  }
}

/** Decodes a control batch's payload. A record of an unknown version is refused by name. Never throws. */
export function decodeControlRecords(payload: Uint8Array): Result<readonly ControlRecord[], CodecError> {
  const unpacked = unpackPositional(payload);
  if (!unpacked.ok) return unpacked;
  const newer = findNewerVersion(unpacked.value);
  if (newer !== null)
    return unsupportedVersion(`control record of type ${newer.typeId}`, newer.version, version);
  // The batch is one list of records, wrapped so that the reader's list rules apply to it.
  const fields = new FieldReader([unpacked.value], 'control batch');
  const records = fields.list('records', codecLimits.batchRecordsMax, (list) =>
    list.nested('record', readControlRecord),
  );
  return fields.finish(records);
}

function findNewerVersion(value: unknown): { readonly typeId: number; readonly version: number } | null {
  if (!Array.isArray(value)) return null;
  for (const record of value) {
    if (!Array.isArray(record)) continue;
    const [typeId, found]: readonly unknown[] = record;
    if (typeof typeId !== 'number' || typeof found !== 'number') continue;
    if (found > version) return { typeId, version: found };
  }
  return null;
}

function readControlRecord(fields: FieldReader): ControlRecord {
  const typeId = fields.integer('type', 0, 32767);
  fields.integer('version', version, version);
  switch (typeId) {
    case typeIds.LeaderChange:
      return {
        type: 'LeaderChange',
        leaderId: fields.nodeId('leader id'),
        epoch: fields.epoch('epoch'),
        voterIds: fields.list('voter ids', codecLimits.votersMax, (list) => list.nodeId('voter id')),
        grantingVoterIds: fields.list('granting voters', codecLimits.votersMax, (list) =>
          list.nodeId('voter id'),
        ),
      };
    case typeIds.KRaftVersion:
      return { type: 'KRaftVersion', kraftVersion: fields.integer('kraft version', 0, 32767) };
    case typeIds.KRaftVoters:
      return { type: 'KRaftVoters', voters: readVoters(fields, 'voters') };
    default:
      fields.fail(`has the unknown type ${typeId}`);
      return { type: 'KRaftVersion', kraftVersion: 0 };
  }
}
