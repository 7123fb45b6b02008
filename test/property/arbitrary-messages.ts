import * as fc from 'fast-check';
import { assert } from '../../src/base/assert.ts';
import { epoch, nodeId, offset, type Uuid } from '../../src/base/brands.ts';
import { seededRandom } from '../../src/base/random.ts';
import { randomUuid } from '../../src/base/uuid.ts';
import { decodeBatch, encodeBatch, statedCrc } from '../../src/codec/batch.ts';
import type { CheckpointManifest } from '../../src/codec/checkpoint-manifest.ts';
import { crcOf } from '../../src/codec/crc.ts';
import type { StoredDescriptor } from '../../src/codec/descriptor.ts';
import type { NodeProperties } from '../../src/codec/node-properties.ts';
import type { QuorumStateCopy } from '../../src/codec/quorum-state.ts';
import type { PeerMessage } from '../../src/ports/transport.ts';
import type { LogBatch } from '../../src/raft/batch.ts';
import type { ControlRecord } from '../../src/raft/control-records.ts';
import type { Voter } from '../../src/raft/replica-key.ts';

/** Arbitrary legal values of everything that controllers send to each other or write beside records. */

const int32Max = 2 ** 31 - 1;
const epochs = fc.oneof(fc.nat({ max: int32Max }), fc.constantFrom(0, int32Max)).map(epoch);
const nodeIds = fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: int32Max })).map(nodeId);
const edges = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
const counts = fc.oneof(fc.maxSafeNat(), fc.constantFrom(...edges));
const offsets = counts.map(offset);
const uint32 = fc.nat({ max: 0xffffffff });
const uuids: fc.Arbitrary<Uuid> = fc.nat().map((seed) => randomUuid(seededRandom(seed)));
const bytes = fc.uint8Array({ maxLength: 300, size: 'max' });
/** Of any characters, also such as take four bytes, and longer than what msgpack writes by hand. */
const texts = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: Math.min(40, Math.floor(maxLength / 2)) }),
    fc.string({ maxLength, size: 'max' }),
  );

const leaderIds = fc.option(nodeIds, { nil: null });
const replicas = fc.record({ id: nodeIds, directoryId: uuids });
const endpoints = fc.record({ host: texts(255), port: fc.nat({ max: 65_535 }) });
const versions = fc.tuple(fc.nat({ max: 32_767 }), fc.nat({ max: 32_767 })).map(([left, right]) => ({
  min: Math.min(left, right),
  max: Math.max(left, right),
}));
const voters: fc.Arbitrary<readonly Voter[]> = fc.uniqueArray(
  fc.record({ id: nodeIds, directoryId: uuids, endpoint: endpoints, kraftVersions: versions }),
  { selector: (voter) => voter.id, maxLength: 7 },
);
const ids = fc.array(nodeIds, { maxLength: 9 });
const featureLevels = fc.uniqueArray(fc.record({ name: texts(249), level: fc.nat({ max: 32_767 }) }), {
  selector: ({ name }) => name,
  maxLength: 4,
});
const features = fc.uniqueArray(
  fc.tuple(texts(249), versions).map(([name, range]) => ({ name, ...range })),
  { selector: ({ name }) => name, maxLength: 4 },
);
const descriptors = fc.record({ clusterId: uuids, voters, featureLevels });
const snapshotIds = fc.record({ endOffset: offsets, epoch: epochs });

export const controlRecords: fc.Arbitrary<readonly ControlRecord[]> = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('LeaderChange' as const),
      leaderId: nodeIds,
      epoch: epochs,
      voterIds: ids,
      grantingVoterIds: ids,
    }),
    fc.record({ type: fc.constant('KRaftVersion' as const), kraftVersion: fc.nat({ max: 32_767 }) }),
    fc.record({ type: fc.constant('KRaftVoters' as const), voters }),
  ),
  { minLength: 1, maxLength: 4 },
);

type BatchSeed = {
  readonly raisesEpoch: boolean;
  readonly appendTimestampMs: number;
  readonly content:
    | { readonly payload: Uint8Array; readonly recordCount: number }
    | { readonly records: readonly ControlRecord[] };
};

const batchSeeds: fc.Arbitrary<readonly BatchSeed[]> = fc.array(
  fc.record({
    raisesEpoch: fc.boolean(),
    appendTimestampMs: counts,
    content: fc.oneof(
      fc.record({ payload: bytes, recordCount: fc.integer({ min: 1, max: 10_000 }) }),
      fc.record({ records: controlRecords }),
    ),
  }),
  { maxLength: 4 },
);

/** Batches that follow each other from `from` on, encoded as their leader would send them. */
function chainBatches(from: number, previousCrc: number, seeds: readonly BatchSeed[]): readonly LogBatch[] {
  let end = from;
  let crc = previousCrc;
  let batchEpoch = 1;
  return seeds.map(({ raisesEpoch, appendTimestampMs, content }) => {
    if (raisesEpoch) batchEpoch++;
    const recordCount = 'records' in content ? content.records.length : content.recordCount;
    const common = { baseOffset: offset(end), epoch: epoch(batchEpoch), recordCount, appendTimestampMs };
    const made: LogBatch =
      'records' in content
        ? { ...common, kind: 'control', sizeInBytes: 0, records: content.records, body: { form: 'none' } }
        : { ...common, kind: 'data', sizeInBytes: 0, body: { form: 'payload', bytes: content.payload } };
    const decoded = decodeBatch(encodeBatch(made, crc));
    assert(decoded.ok, 'what was encoded is decoded');
    const { batch } = decoded.value;
    end += recordCount;
    crc = statedCrc(batch);
    return batch;
  });
}

export const batchChains = fc
  .tuple(fc.nat({ max: 2 ** 40 }), uint32, batchSeeds)
  .map(([from, previousCrc, seeds]) => ({
    fetchOffset: offset(from),
    batches: chainBatches(from, previousCrc, seeds),
  }));

const head = { clusterId: uuids, epoch: epochs };
const type = <const Name extends string>(name: Name) => fc.constant(name);
const kind = type;

const electionMessages = [
  fc.record({
    ...head,
    type: type('voteRequest'),
    candidate: replicas,
    voter: replicas,
    lastEpoch: epochs,
    logEndOffset: offsets,
    preVote: fc.boolean(),
  }),
  fc.record({
    ...head,
    type: type('voteResponse'),
    leaderId: leaderIds,
    voter: replicas,
    voteGranted: fc.boolean(),
    preVote: fc.boolean(),
    requestEpoch: epochs,
  }),
  fc.record({ ...head, type: type('beginQuorumEpochRequest'), leader: replicas, voter: replicas }),
  fc.record({ ...head, type: type('beginQuorumEpochResponse'), leaderId: leaderIds }),
  fc.record({
    ...head,
    type: type('endQuorumEpochRequest'),
    leader: replicas,
    preferredSuccessors: fc.array(replicas, { maxLength: 6 }),
  }),
  fc.record({ ...head, type: type('endQuorumEpochResponse'), leaderId: leaderIds }),
] as const;

const refusals = ['NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH'] as const;

const fetchOutcomes = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(batchChains, fetchedOffsets()).map(([chain, rest]) => ({ ...rest, ...chain })),
  },
  fc.record({ kind: kind('diverging'), divergingEpoch: epochs, endOffset: offsets }),
  fc.record({ kind: kind('snapshot'), snapshotId: snapshotIds }),
  fc.record({ kind: kind('refused'), error: fc.constantFrom(...refusals) }),
);

function fetchedOffsets() {
  return fc.record({
    kind: kind('records'),
    highWatermark: offsets,
    logStartOffset: offsets,
    logEndOffset: offsets,
    epochStartOffset: offsets,
    round: counts,
  });
}

const snapshotOutcomes = fc.oneof(
  fc
    .record({ kind: kind('chunk'), position: counts, bytes, last: fc.boolean() })
    .map((chunk) => ({ ...chunk, crc: crcOf(chunk.bytes) })),
  fc.record({
    kind: kind('refused'),
    error: fc.constantFrom(...refusals, 'SNAPSHOT_NOT_FOUND', 'POSITION_OUT_OF_RANGE'),
  }),
);

const fetchMessages = [
  fc.record({
    ...head,
    type: type('fetchRequest'),
    replica: replicas,
    fetchOffset: offsets,
    lastFetchedEpoch: epochs,
    flushedOffset: offsets,
    highWatermark: offsets,
    round: counts,
    fetchId: counts,
    space: fc.constantFrom('enough', 'low', 'exhausted'),
  }),
  fc.record({
    ...head,
    type: type('fetchResponse'),
    leaderId: leaderIds,
    fetchId: counts,
    outcome: fetchOutcomes,
  }),
  fc.record({
    ...head,
    type: type('fetchSnapshotRequest'),
    replica: replicas,
    snapshotId: snapshotIds,
    position: counts,
    maxBytes: counts,
  }),
  fc.record({
    ...head,
    type: type('fetchSnapshotResponse'),
    leaderId: leaderIds,
    snapshotId: snapshotIds,
    outcome: snapshotOutcomes,
  }),
] as const;

const bootstrapMessages = [
  fc.record({
    type: type('bootstrapHello'),
    replica: replicas,
    endpoint: endpoints,
    kraftVersions: versions,
    configuredVoterIds: ids,
    state: fc.constantFrom('unformatted', 'formatted', 'started'),
    descriptor: fc.option(descriptors, { nil: null }),
    features,
  }),
  fc.record({ type: type('bootstrapPropose'), descriptor: descriptors }),
  fc.record({ type: type('bootstrapAccepted'), replica: replicas, descriptor: descriptors }),
  fc.record({ type: type('bootstrapStart'), descriptor: descriptors }),
] as const;

const idempotencyKeys = fc.record({ sessionId: counts, sequence: counts, forgetBelow: counts });

const forwardMessages = [
  fc.record({
    type: type('forwardRequest'),
    requestId: counts,
    operationId: texts(128),
    input: bytes,
    idempotencyKey: fc.option(idempotencyKeys, { nil: null }),
    principal: texts(400),
    deadlineMs: counts,
  }),
  fc.record({ type: type('forwardResponse'), requestId: counts, answer: bytes }),
] as const;

/** Of every type the same share. A type that is missing here is found by the test that counts them. */
export const peerMessages: fc.Arbitrary<PeerMessage> = fc.oneof(
  ...[...electionMessages, ...fetchMessages].map((messages) =>
    fc.record({ channel: fc.constant('raft' as const), message: messages }),
  ),
  ...bootstrapMessages.map((messages) =>
    fc.record({ channel: fc.constant('bootstrap' as const), message: messages }),
  ),
  ...forwardMessages.map((messages) =>
    fc.record({ channel: fc.constant('forward' as const), message: messages }),
  ),
);

export const quorumStates: fc.Arbitrary<QuorumStateCopy> = fc.record({
  sequence: counts,
  state: fc.record({
    epoch: epochs,
    leaderId: leaderIds,
    voted: fc.option(replicas, { nil: null }),
    recovering: fc.boolean(),
  }),
});

export const storedDescriptors: fc.Arbitrary<StoredDescriptor> = fc.record({
  descriptor: descriptors,
  started: fc.boolean(),
});

export const nodeProperties: fc.Arbitrary<NodeProperties> = fc.record({
  nodeId: nodeIds,
  directoryId: uuids,
  clusterId: fc.option(uuids, { nil: null }),
});

export const manifests: fc.Arbitrary<CheckpointManifest> = fc.record({
  snapshotId: snapshotIds,
  chainCrc: uint32,
  timestampMs: counts,
  kraftVersion: fc.nat({ max: 32_767 }),
  voters,
  pageCount: counts,
  root: texts(128),
});
