import { assert } from '../base/assert.ts';

/** The limits of the state machine, in one place, with the relations between them. */
export const limits = {
  /** A batch of the log (design 2). */
  recordsPerBatchMax: 10_000,
  batchBytesMax: 1_048_576,
  /** An answer that is remembered under an idempotency key. */
  answerBytesMax: 4_096,
  /** What an operation may write: a batch less the record of its answer and the batch's header. */
  recordsPerOperationMax: 9_999,
  operationBytesMax: 1_040_000,

  /** Rows in one page of a listing. */
  pageRowsMax: 1_000,
  pageRowsDefault: 100,

  /** Work of one batch of fencing: partitions looked at, and partitions changed; a few ms at most. */
  repairRowsVisitedMax: 5_000,
  repairChangesMax: 500,
  /** Partitions that one request for elections names, or that its answer lists: it is remembered under a key. */
  electionResultsMax: 32,
  /** Partitions that one AlterPartition changes; the others are told that nothing was tried. */
  isrChangesMax: 5_000,
  /** Replicas that one AssignReplicasToDirs places; the others are told that nothing was tried. */
  directoryAssignmentsMax: 2_000,
  /** Partitions that one request reassigns. */
  reassignmentsPerOperationMax: 1_000,
  /** Partitions that one call of a drain reassigns. */
  drainChangesMax: 500,
  /** Partitions that a call of a drain names as blocked, and how long each reason is: the answer fits under a key. */
  drainBlockersMax: 5,
  drainMessageLengthMax: 160,

  /** Topics whose ELRs one batch clears by name; for more of them it clears all there are. */
  clearElrRecordsMax: 1_000,

  topicNameLengthMax: 249,
  replicasPerPartitionMax: 60,
  /** What one request has executed together, or not at all. */
  operationsPerTransactionMax: 10_000,
  /** Records that are replayed for a write that is only validated: one slice of work. */
  recordsValidatedMax: 1_000,
  partitionsPerTopicMax: 100_000,
  /** Partitions that one record takes out of a topic that is deleted: a page of them. */
  partitionsPerRemovalMax: 64,

  listenersPerBrokerMax: 16,
  featuresPerNodeMax: 64,
  logDirsPerBrokerMax: 64,

  /** Of what is set of one topic or broker, so that a page of 64 rows stays small. */
  configsPerResourceMax: 128,
  configLengthPerResourceMax: 8_192,

  sessionsMax: 10_000,
  answersMax: 100_000,
  /** Sequences of one session that may be remembered at once, counted from `forgetBelow`. */
  sessionWindow: 1_000,
  sessionTimeoutMsMin: 10_000,
  sessionTimeoutMsDefault: 600_000,
  sessionTimeoutMsMax: 86_400_000,
  headerKeyLengthMax: 128,
  headerAnswersMax: 100_000,
  /** How long the answer to a bare Idempotency-Key header is remembered at least. */
  headerRetentionMs: 3_600_000,
  /** Rows that one batch of expiry removes at most. */
  expiryRowsMax: 1_000,
  principalLengthMax: 256,

  /** Of kinds that users define, in one cluster; each is a feature that every controller names. */
  resourceKindsMax: 32,
  resourceKeyLengthMax: 249,
  /** Of one value as JSON: a page of 64 rows is to stay near a mebibyte, and a batch to hold many of them. */
  resourceTextLengthMax: 16_384,
  resourcesPerKindMax: 100_000,
  /** Of all values that one page of a listing shows. */
  resourcePageLengthMax: 1_048_576,

  /** Ids that a broker gets at once (Kafka's). */
  producerIdBlockLength: 1_000,

  groupMembersMax: 1_000,
  groupMembersTotalMax: 10_000,
  groupSessionTimeoutMsMin: 500,
  groupSessionTimeoutMsDefault: 10_000,
  groupSessionTimeoutMsMax: 300_000,

  tokensMax: 10_000,
  /** Room beyond that for tokens of administrators. */
  administratorTokensReserved: 100,
  tokenLifetimeMsMin: 1_000,
  tokenLifetimeMsMax: 315_360_000_000,
} as const;

/** Called where the registry is made: a limit changed alone would break another. */
export function assertLimits(): void {
  assert(limits.recordsPerOperationMax + 1 <= limits.recordsPerBatchMax, 'room for the answer record');
  // The answer's record holds the answer, a hash of at most 64 bytes, a key and numbers.
  const answerRecordBytes =
    limits.answerBytesMax + 64 + 3 * limits.headerKeyLengthMax + 3 * limits.principalLengthMax + 256;
  assert(limits.operationBytesMax + answerRecordBytes <= limits.batchBytesMax, 'room for the answer’s bytes');
  assert(limits.repairChangesMax < limits.recordsPerOperationMax, 'a chunk of fencing fits a batch');
  assert(limits.isrChangesMax < limits.recordsPerOperationMax, 'an AlterPartition fits a batch');
  assert(
    limits.directoryAssignmentsMax < limits.recordsPerOperationMax,
    'assignments to directories fit a batch',
  );
  const blockerBytes = limits.topicNameLengthMax + 3 * limits.drainMessageLengthMax + 64;
  assert(limits.drainBlockersMax * blockerBytes <= limits.answerBytesMax, 'a drain’s answer is remembered');
  assert(limits.drainChangesMax < limits.recordsPerOperationMax, 'a call of a drain fits a batch');
  assert(limits.reassignmentsPerOperationMax < limits.recordsPerOperationMax, 'reassignments fit a batch');
  assert(limits.pageRowsDefault <= limits.pageRowsMax, 'the default page is a legal one');
  const besidesElrs = limits.recordsPerOperationMax - limits.configsPerResourceMax;
  assert(limits.clearElrRecordsMax <= besidesElrs, 'configs fit a batch with what they clear');
  // Directories take four ints a replica, and an array of a row holds at most 255.
  assert(limits.replicasPerPartitionMax * 4 <= 255, 'directories fit a row');
  assert(limits.sessionWindow <= limits.answersMax, 'one session fits the table');
  assert(limits.sessionTimeoutMsMin <= limits.sessionTimeoutMsDefault, 'the default timeout is legal');
  assert(limits.sessionTimeoutMsDefault <= limits.sessionTimeoutMsMax, 'the default timeout is legal');
  assert(limits.resourceKindsMax + 2 <= limits.featuresPerNodeMax, 'a node names each kind as a feature');
  // Three bytes for each character, and the value’s key and version beside it.
  const resourceBytes = 3 * (limits.resourceTextLengthMax + limits.resourceKeyLengthMax) + 64;
  assert(resourceBytes <= limits.operationBytesMax, 'a resource fits a batch');
  assert(limits.resourceTextLengthMax <= limits.resourcePageLengthMax, 'a page holds any one resource');
  assert(limits.groupMembersMax <= limits.groupMembersTotalMax, 'one group fits the table');
  assert(limits.groupMembersMax <= limits.expiryRowsMax, 'a whole group expires in one batch');
  assert(limits.groupSessionTimeoutMsMin <= limits.groupSessionTimeoutMsDefault, 'the default is legal');
  assert(limits.groupSessionTimeoutMsDefault <= limits.groupSessionTimeoutMsMax, 'the default is legal');
}
