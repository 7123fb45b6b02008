import { assert } from '../../src/base/assert.ts';
import { epoch, nodeId, offset, uuid } from '../../src/base/brands.ts';
import { crcOf } from '../../src/codec/crc.ts';
import type { PeerMessage } from '../../src/ports/transport.ts';
import type { LogBatch } from '../../src/raft/batch.ts';
import { decodeBatch, encodeBatch, statedCrc } from '../../src/codec/batch.ts';
import type { Voter } from '../../src/raft/replica-key.ts';

/** One or more of every message and record, with values that a codec could confuse. */
const clusterId = uuid('MkU3OEVBNTcwNTJENDM2Qg');
const directoryId = uuid('AQIDBAUGBwgJCgsMDQ4PEA');
const replica = { id: nodeId(3), directoryId };
const other = { id: nodeId(2_147_483_647), directoryId: uuid('_____________________w') };
const kraftVersions = { min: 0, max: 1 };
const voters: readonly Voter[] = [
  { ...replica, endpoint: { host: 'controller-3.example', port: 9_645 }, kraftVersions },
  { ...other, endpoint: { host: '::1', port: 65_535 }, kraftVersions },
];
const descriptor = { clusterId, voters, featureLevels: [] };
const foundedDescriptor = { clusterId, voters, featureLevels: [{ name: 'metadata.version', level: 2 }] };

function chain(made: readonly LogBatch[]): readonly LogBatch[] {
  let previousCrc = 7;
  return made.map((batch) => {
    const bytes = encodeBatch(batch, previousCrc);
    const decoded = decodeBatch(bytes);
    assert(decoded.ok, 'what was encoded is decoded');
    previousCrc = statedCrc(decoded.value.batch);
    return decoded.value.batch;
  });
}

export const batches = chain([
  {
    kind: 'control',
    baseOffset: offset(4_294_967_296),
    epoch: epoch(5),
    recordCount: 3,
    appendTimestampMs: 1_700_000_000_123,
    sizeInBytes: 0,
    records: [
      {
        type: 'LeaderChange',
        leaderId: nodeId(3),
        epoch: epoch(5),
        voterIds: [nodeId(3), other.id],
        grantingVoterIds: [nodeId(3)],
      },
      { type: 'KRaftVersion', kraftVersion: 1 },
      { type: 'KRaftVoters', voters },
    ],
    body: { form: 'none' },
  },
  {
    kind: 'data',
    baseOffset: offset(4_294_967_299),
    epoch: epoch(5),
    recordCount: 10_000,
    appendTimestampMs: 1_700_000_000_124,
    sizeInBytes: 6,
    body: { form: 'payload', bytes: Uint8Array.of(0, 255, 1, 254, 127, 128) },
  },
]);

const head = { clusterId, epoch: epoch(5) };
const chunk = Uint8Array.of(9, 8, 7, 0);

export const messages: readonly PeerMessage[] = [
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'voteRequest',
      candidate: replica,
      voter: other,
      lastEpoch: epoch(4),
      logEndOffset: offset(2 ** 40),
      preVote: true,
    },
  },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'voteResponse',
      leaderId: null,
      voter: replica,
      voteGranted: true,
      preVote: false,
      requestEpoch: epoch(6),
    },
  },
  { channel: 'raft', message: { ...head, type: 'beginQuorumEpochRequest', leader: replica, voter: other } },
  { channel: 'raft', message: { ...head, type: 'beginQuorumEpochResponse', leaderId: nodeId(0) } },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'endQuorumEpochRequest',
      leader: replica,
      preferredSuccessors: [other, replica],
    },
  },
  { channel: 'raft', message: { ...head, type: 'endQuorumEpochResponse', leaderId: null } },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'fetchRequest',
      replica,
      fetchOffset: offset(100),
      lastFetchedEpoch: epoch(4),
      flushedOffset: offset(90),
      highWatermark: offset(80),
      round: 12,
      fetchId: 2 ** 33,
      space: 'exhausted',
    },
  },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'fetchResponse',
      leaderId: nodeId(3),
      fetchId: 7,
      outcome: {
        kind: 'records',
        fetchOffset: offset(4_294_967_296),
        highWatermark: offset(100),
        logStartOffset: offset(0),
        logEndOffset: offset(4_294_977_299),
        epochStartOffset: offset(4_294_967_296),
        round: 3,
        batches,
      },
    },
  },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'fetchResponse',
      leaderId: null,
      fetchId: 7,
      outcome: { kind: 'diverging', divergingEpoch: epoch(2), endOffset: offset(55) },
    },
  },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'fetchResponse',
      leaderId: null,
      fetchId: 7,
      outcome: { kind: 'snapshot', snapshotId: { endOffset: offset(1_000), epoch: epoch(3) } },
    },
  },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'fetchResponse',
      leaderId: null,
      fetchId: 7,
      outcome: { kind: 'refused', error: 'FENCED_LEADER_EPOCH' },
    },
  },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'fetchSnapshotRequest',
      replica,
      snapshotId: { endOffset: offset(1_000), epoch: epoch(3) },
      position: 77,
      maxBytes: 1_000_000,
    },
  },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'fetchSnapshotResponse',
      leaderId: nodeId(3),
      snapshotId: { endOffset: offset(1_000), epoch: epoch(3) },
      outcome: { kind: 'chunk', position: 77, bytes: chunk, crc: crcOf(chunk), last: true },
    },
  },
  {
    channel: 'raft',
    message: {
      ...head,
      type: 'fetchSnapshotResponse',
      leaderId: nodeId(3),
      snapshotId: { endOffset: offset(1_000), epoch: epoch(3) },
      outcome: { kind: 'refused', error: 'POSITION_OUT_OF_RANGE' },
    },
  },
  {
    channel: 'bootstrap',
    message: {
      type: 'bootstrapHello',
      replica,
      endpoint: { host: 'a', port: 1 },
      kraftVersions,
      configuredVoterIds: [nodeId(1), nodeId(3)],
      state: 'formatted',
      descriptor,
      features: [],
    },
  },
  {
    channel: 'bootstrap',
    message: {
      type: 'bootstrapHello',
      replica,
      endpoint: { host: 'a', port: 1 },
      kraftVersions,
      configuredVoterIds: [],
      state: 'unformatted',
      descriptor: null,
      features: [],
    },
  },
  { channel: 'bootstrap', message: { type: 'bootstrapPropose', descriptor } },
  { channel: 'bootstrap', message: { type: 'bootstrapAccepted', replica, descriptor } },
  { channel: 'bootstrap', message: { type: 'bootstrapStart', descriptor } },
  {
    channel: 'forward',
    message: {
      type: 'forwardRequest',
      requestId: 2 ** 40,
      operationId: 'createTopic',
      input: Uint8Array.of(1, 2, 3),
      idempotencyKey: { sessionId: 4, sequence: 5, forgetBelow: 2 },
      principal: 'User:ä',
      deadlineMs: 30_000,
    },
  },
  {
    channel: 'forward',
    message: {
      type: 'forwardRequest',
      requestId: 0,
      operationId: '',
      input: new Uint8Array(0),
      idempotencyKey: null,
      principal: '',
      deadlineMs: 0,
    },
  },
  { channel: 'forward', message: { type: 'forwardResponse', requestId: 1, answer: Uint8Array.of(200, 201) } },
  {
    channel: 'bootstrap',
    message: {
      type: 'bootstrapHello',
      replica,
      endpoint: { host: 'a', port: 1 },
      kraftVersions,
      configuredVoterIds: [nodeId(3)],
      state: 'formatted',
      descriptor: foundedDescriptor,
      features: [{ name: 'metadata.version', min: 1, max: 2 }],
    },
  },
  { channel: 'bootstrap', message: { type: 'bootstrapPropose', descriptor: foundedDescriptor } },
];

export const storedDescriptor = { descriptor, started: true };
export const foundedStoredDescriptor = { descriptor: foundedDescriptor, started: false };
export const nodeProperties = { nodeId: nodeId(3), directoryId, clusterId };
export const quorumStateCopy = {
  sequence: 2 ** 34,
  state: { epoch: epoch(77), leaderId: nodeId(3), voted: replica, recovering: true },
};
