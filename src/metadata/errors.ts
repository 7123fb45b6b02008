/**
 * The one catalogue of error codes. A code is stable once released; its name is Kafka's where Kafka has
 * one. `retriable` says whether the same request may succeed later without a change of the request.
 */
export const errorCatalogue = {
  // What any operation may answer.
  INVALID_REQUEST: {
    status: 400,
    retriable: false,
    summary: 'The request is malformed or a field has a value that is not allowed.',
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    retriable: false,
    summary: 'The request body is larger than the server accepts.',
  },
  RESOURCE_NOT_FOUND: { status: 404, retriable: false, summary: 'There is nothing at this path.' },
  UNSUPPORTED_VERSION: {
    status: 422,
    retriable: false,
    summary: 'The cluster or the caller does not support a version that this needs.',
  },
  NOT_CONTROLLER: {
    status: 503,
    retriable: true,
    summary: 'This node does not lead the quorum, or no leader is known. Nothing was changed.',
  },
  REQUEST_TIMED_OUT: {
    status: 504,
    retriable: true,
    summary: 'A read could not be confirmed by a majority in time.',
  },
  OUTCOME_UNKNOWN: {
    status: 504,
    retriable: false,
    summary:
      'The write was appended and then leadership or the connection was lost: it may or may not take effect. Retry it under the same idempotency key.',
  },
  THROTTLING_QUOTA_EXCEEDED: {
    status: 429,
    retriable: true,
    summary: 'Too much is pending on this node; nothing was changed.',
  },
  STORAGE_LOW: {
    status: 507,
    retriable: true,
    summary: 'The leader is short of disk space and refuses client writes; nothing was changed.',
  },
  OFFSET_OUT_OF_RANGE: {
    status: 410,
    retriable: false,
    summary: 'The log no longer holds this offset, or does not hold it yet.',
  },
  UNKNOWN_SERVER_ERROR: {
    status: 500,
    retriable: false,
    summary: 'The server met a condition it did not expect.',
  },

  // Exactly once.
  SESSION_EXPIRED: {
    status: 409,
    retriable: false,
    summary: 'The session does not exist (any more); the request was not executed.',
  },
  // Not the former: it is an executed operation's answer, and says nothing of the key that it was asked under.
  UNKNOWN_SESSION_ID: {
    status: 404,
    retriable: false,
    summary: 'The caller has no session with this id.',
  },
  SEQUENCE_FORGOTTEN: {
    status: 409,
    retriable: false,
    summary: 'The sequence is below what the client said may be forgotten; the request was not executed.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    retriable: false,
    summary: 'The key was used before with another request; this one was not executed.',
  },
  SESSION_TABLE_FULL: {
    status: 429,
    retriable: true,
    summary: 'No further session or answer can be remembered; nothing was executed.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    retriable: false,
    summary: 'The resource has changed since the version that If-Match names.',
  },

  // Brokers.
  INCONSISTENT_CLUSTER_ID: {
    status: 409,
    retriable: false,
    summary: 'The caller belongs to another cluster.',
  },
  DUPLICATE_BROKER_REGISTRATION: {
    status: 409,
    retriable: true,
    summary: 'Another incarnation holds this broker id and its session is alive.',
  },
  BROKER_ID_NOT_REGISTERED: {
    status: 404,
    retriable: false,
    summary: 'No broker with this id is registered.',
  },
  STALE_BROKER_EPOCH: {
    status: 409,
    retriable: false,
    summary: 'The broker epoch is not the registration’s current one.',
  },
  BROKER_STILL_ACTIVE: {
    status: 409,
    retriable: false,
    summary: 'The broker is not fenced, so it cannot be unregistered.',
  },

  // Topics and partitions.
  TOPIC_ALREADY_EXISTS: { status: 409, retriable: false, summary: 'A topic with this name exists.' },
  UNKNOWN_TOPIC_OR_PARTITION: {
    status: 404,
    retriable: false,
    summary: 'There is no such topic or partition.',
  },
  UNKNOWN_TOPIC_ID: { status: 404, retriable: false, summary: 'There is no topic with this id.' },
  INVALID_TOPIC_EXCEPTION: { status: 400, retriable: false, summary: 'The topic name is not a legal one.' },
  INVALID_PARTITIONS: { status: 400, retriable: false, summary: 'The number of partitions is not allowed.' },
  INVALID_REPLICATION_FACTOR: {
    status: 400,
    retriable: false,
    summary: 'The replication factor is below 1 or above the number of brokers that can take replicas.',
  },
  INVALID_REPLICA_ASSIGNMENT: {
    status: 400,
    retriable: false,
    summary: 'The given assignment is not a valid one.',
  },

  // The in-sync replica set.
  FENCED_LEADER_EPOCH: {
    status: 409,
    retriable: false,
    summary: 'The leader epoch is older than the partition’s.',
  },
  INVALID_UPDATE_VERSION: {
    status: 409,
    retriable: false,
    summary: 'The partition epoch is not the current one.',
  },
  INELIGIBLE_REPLICA: {
    status: 409,
    retriable: true,
    summary: 'A proposed member is fenced, shutting down, or has another broker epoch.',
  },
  INVALID_ISR: {
    status: 400,
    retriable: false,
    summary: 'The proposed in-sync set is empty, has duplicates, or names a broker that is not a replica.',
  },
  OPERATION_NOT_ATTEMPTED: {
    status: 409,
    retriable: true,
    summary: 'Nothing was tried for this item, because the batch that would hold it was full or failed.',
  },

  // The quorum.
  DUPLICATE_VOTER: { status: 409, retriable: false, summary: 'The controller is a voter already.' },
  VOTER_NOT_FOUND: { status: 404, retriable: false, summary: 'There is no such voter.' },
  // Kafka answers both with REQUEST_TIMED_OUT, which does not say what to do.
  VOTER_NOT_CAUGHT_UP: {
    status: 409,
    retriable: true,
    summary: 'The controller has not caught up with the leader, so that it could hold the quorum up.',
  },
  VOTER_CHANGE_PENDING: {
    status: 409,
    retriable: true,
    summary: 'Another change of the voters is under way; one is made at a time.',
  },

  // Configs.
  INVALID_CONFIG: {
    status: 400,
    retriable: false,
    summary: 'A config is not known, or its value is not one that it may have.',
  },

  // Features.
  INVALID_UPDATE_FEATURE: {
    status: 400,
    retriable: false,
    summary: 'The feature level cannot be set to this value.',
  },
} as const satisfies Record<string, ErrorDescription>;

type ErrorDescription = {
  /** HTTP status. */
  readonly status: number;
  readonly retriable: boolean;
  readonly summary: string;
};

export type ErrorCode = keyof typeof errorCatalogue;
