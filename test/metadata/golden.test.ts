import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { epoch, offset } from '../../src/base/brands.ts';
import { checkpointPages } from '../../src/codec/image-pages.ts';
import { imageFromPages } from '../../src/codec/image-loader.ts';
import { decodeRecords, encodeRecords } from '../../src/codec/record-value.ts';
import { imageDigest, type MetadataImage } from '../../src/metadata/image.ts';
import { builtInRegistry, type MetadataRecord } from '../../src/metadata/registry.ts';
import { extensionIdMin, type RecordSchema } from '../../src/metadata/schema.ts';
import { incarnationId, TestCluster } from './cluster.ts';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { registrationChange } from '../../src/metadata/resources/broker/registration-change.ts';
import { answerRecord } from '../../src/metadata/resources/session/answers.ts';
import { sampleStruct } from './samples.ts';

const { recordsByName, tables } = builtInRegistry;

/**
 * Formats are pinned from the first release (design 4): a record's id and bytes never change, a new one
 * brings a new file. `OTTLA_WRITE_GOLDEN=1` writes files that are missing, never one that is there.
 */
const folder = fileURLToPath(new URL('../golden/records/', import.meta.url));
const checkpointFile = fileURLToPath(new URL('../golden/checkpoint-pages.json', import.meta.url));
const mayWrite = process.env['OTTLA_WRITE_GOLDEN'] === '1';

function golden(path: string, make: () => unknown): unknown {
  if (!existsSync(path) && mayWrite) writeFileSync(path, `${JSON.stringify(make(), null, 2)}\n`);
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return content;
}

/** Byte arrays and uuids as text, so that the file can be read. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, readable(member)]));
}

/** The first level of `metadata.version` at which a record may be written as it is now. */
function levelOf({ metadataVersions }: RecordSchema): number {
  return Math.max(...metadataVersions);
}

describe('the bytes of records', () => {
  it.each([...recordsByName.keys()])('%s are as they were first released', (name) => {
    const schema = recordsByName.get(name)?.schema;
    if (schema === undefined) throw new Error(`no record ${name}`);
    const record = { type: name, ...sampleStruct(schema.fields, schema.id % 50) } as MetadataRecord;
    const made = {
      name,
      id: schema.id,
      version: schema.versions.max,
      record: readable(record),
      payload: Buffer.from(encodeRecords(builtInRegistry, [record], levelOf(schema))).toString('hex'),
    };
    const pinned = golden(`${folder}${name}.v${schema.versions.max}.json`, () => made);
    expect(made).toEqual(pinned);
    const decoded = decodeRecords(builtInRegistry, Buffer.from(made.payload, 'hex'), 1);
    expect(decoded.ok ? decoded.value : decoded.error).toEqual([record]);
  });

  it('has a file for every record, and no file without one', () => {
    const names = readdirSync(folder).map((file) => file.split('.')[0]);
    expect(new Set(names)).toEqual(new Set(recordsByName.keys()));
  });

  it('has Kafka’s ids for Kafka’s records, and ours apart from them', () => {
    const ids = Object.fromEntries([...recordsByName.values()].map(({ schema }) => [schema.name, schema.id]));
    expect(ids).toMatchObject({
      RegisterBrokerRecord: 0,
      UnregisterBrokerRecord: 1,
      TopicRecord: 2,
      PartitionRecord: 3,
      ConfigRecord: 4,
      PartitionChangeRecord: 5,
      RemoveTopicRecord: 9,
      FeatureLevelRecord: 12,
      ProducerIdsRecord: 15,
      BrokerRegistrationChangeRecord: 17,
      NoOpRecord: 20,
      BeginTransactionRecord: 23,
      EndTransactionRecord: 24,
      AbortTransactionRecord: 25,
      RegisterControllerRecord: 27,
      ClearElrRecord: 28,
      UnregisterControllerRecord: 29,
    });
    const ours = Object.entries(ids).filter(([, id]) => id >= extensionIdMin);
    expect(ours.map(([name]) => name).sort()).toEqual([
      'CloseSessionRecord',
      'ForgetHeaderAnswersRecord',
      'GroupLeaderRecord',
      'HeaderAnswerRecord',
      'HoldBrokerRecord',
      'JoinGroupRecord',
      'LeaveGroupRecord',
      'OpenSessionRecord',
      'RemovePartitionsRecord',
      'RemoveTokenRecord',
      'SessionAnswerRecord',
      'TokenRecord',
      'UncleanShutdownRecord',
    ]);
    expect(Object.values(ids)).toHaveLength(new Set(Object.values(ids)).size);
  });
});

describe('the bytes of checkpoint pages', () => {
  it('are as they were first released, for an image that has rows of every kind', () => {
    const image = exampleImage();
    const pages = checkpointPages(image, null);
    const entries = [...pages].map(({ key, value }) => ({
      key: Buffer.from(key).toString('hex'),
      value: Buffer.from(value ?? []).toString('hex'),
    }));
    const made = {
      tables: tables.map(({ definition }) => ({ id: definition.id, name: definition.name })),
      entries,
      ...pages.summary(),
      digest: imageDigest(image),
    };
    expect(made).toEqual(golden(checkpointFile, () => made));
    expect(new Set(entries.map(({ key }) => key.slice(0, 2))).size).toBe(tables.length);
    const loaded = imageFromPages(
      builtInRegistry,
      entries.map(({ key, value }) => ({ key: Buffer.from(key, 'hex'), value: Buffer.from(value, 'hex') })),
      { endOffset: offset(1), epoch: epoch(1), timestampMs: 0 },
      made.root,
    );
    expect(loaded.ok ? imageDigest(loaded.value) : loaded.error).toBe(made.digest);
  });
});

/** At the level that was the first one released, as its pages were pinned. */
function exampleImage(): MetadataImage {
  const cluster = new TestCluster(builtInRegistry, 1);
  cluster.start(1, 2, 3);
  const listeners = [{ name: 'CONTROLLER', host: 'localhost', port: 9644 }];
  const controller = { controllerId: 1, incarnationId: incarnationId(9), listeners, features: [] };
  cluster.ok('registerController', { body: controller });
  cluster.ok('createTopic', {
    body: {
      name: 'orders',
      assignments: [
        [1, 2, 3],
        [2, 3, 1],
      ],
    },
  });
  cluster.ok('alterConfig', {
    params: { resourceType: 'topic', resourceName: 'orders' },
    body: { changes: [{ name: 'retention.ms', operation: 'set', value: '60000' }] },
  });
  cluster.expire(expireBrokerSessions, 2);
  cluster.ok('fenceBroker', { params: { brokerId: 2 } });
  const { sessionId } = cluster.ok('openSession', {});
  const hash = Uint8Array.of(1, 2, 3);
  cluster.append([
    answerRecord({ sessionId, sequence: 4, forgetBelow: 2 }, 'tester', hash, null, Uint8Array.of(5)),
    answerRecord({ headerKey: 'key' }, 'tester', hash, 'INVALID_REQUEST', Uint8Array.of()),
  ]);
  cluster.ok('createToken', { body: { name: 'operations', role: 'operator', secretHash: '07'.repeat(32) } });
  cluster.ok('joinGroup', {
    params: { group: 'jobs' },
    body: { memberId: incarnationId(4), metadata: 'here' },
  });
  const brokerEpoch = cluster.image.broker.brokers.get(1)?.brokerEpoch;
  cluster.ok('allocateProducerIds', { body: { brokerId: 1, brokerEpoch } });
  cluster.append([{ type: 'UncleanShutdownRecord', brokerId: 3 }]);
  const logDirs = [incarnationId(5), incarnationId(6)];
  cluster.ok('registerBroker', { body: { ...cluster.registration(4), logDirs } });
  const row = cluster.image.broker.brokers.get(4);
  if (row !== null) cluster.append([registrationChange(row, { logDirs: logDirs.slice(1) })]);
  return cluster.image;
}
