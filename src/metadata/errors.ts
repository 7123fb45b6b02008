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
    remedy: 'Correct what the message names and send it again.',
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    retriable: false,
    summary: 'The request body is larger than the server accepts.',
    remedy: 'Split the request; a body has at most 1 MiB.',
  },
  RESOURCE_NOT_FOUND: {
    status: 404,
    retriable: false,
    summary: 'There is nothing at this path.',
    remedy: 'Compare the path with the operations of this server’s `/openapi.json`.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retriable: false,
    summary: 'What is at this path does not understand this method.',
    remedy: 'Use one of the methods that the `Allow` header names.',
  },
  UNSUPPORTED_VERSION: {
    status: 422,
    retriable: false,
    summary: 'The cluster or the caller does not support a version that this needs.',
    remedy:
      'Bring the caller or the cluster to a version that supports it, or ask for a level that both know.',
  },
  NOT_CONTROLLER: {
    status: 503,
    retriable: true,
    summary: 'This node does not lead the quorum, or no leader is known. Nothing was changed.',
    remedy: 'Send it again after `retryAfterMs`, to the node that `leader` names if it names one.',
  },
  REQUEST_TIMED_OUT: {
    status: 504,
    retriable: true,
    summary:
      'A read could not be confirmed by a majority in time, or this node has not reached the offset that it demands; or a snapshot was not taken in time.',
    remedy: 'Send it again; when it goes on, see with `ottla quorum status` who is up.',
  },
  OUTCOME_UNKNOWN: {
    status: 504,
    retriable: false,
    summary:
      'The write was appended and then leadership or the connection was lost: it may or may not take effect. Retry it under the same idempotency key.',
    remedy:
      'Send the same write under the same idempotency key, which finds out; without a key read back first.',
  },
  THROTTLING_QUOTA_EXCEEDED: {
    status: 429,
    retriable: true,
    summary: 'Too much is pending on this node; nothing was changed.',
    remedy: 'Send it again after `retryAfterMs`, and less at a time.',
  },
  STORAGE_LOW: {
    status: 507,
    retriable: true,
    summary: 'The leader is short of disk space and refuses client writes; nothing was changed.',
    remedy: 'Make room on the leader’s disk; it takes writes again by itself.',
  },
  OFFSET_OUT_OF_RANGE: {
    status: 410,
    retriable: false,
    summary:
      'The log no longer holds this offset, or does not hold it yet; or the state there is not kept any more.',
    remedy:
      'Begin anew: a listing without `continue`, the log or the past at an offset that `details` names as held.',
  },
  UNKNOWN_SERVER_ERROR: {
    status: 500,
    retriable: false,
    summary: 'The server met a condition it did not expect.',
    remedy: 'Look into the server’s log; it is a bug, or a disk that fails.',
  },

  // Exactly once.
  SESSION_EXPIRED: {
    status: 409,
    retriable: false,
    summary: 'The session does not exist (any more); the request was not executed.',
    remedy: 'Open a session. What was sent under the old one and never answered has an unknown outcome.',
  },
  // Not the former: it is an executed operation's answer, and says nothing of the key that it was asked under.
  UNKNOWN_SESSION_ID: {
    status: 404,
    retriable: false,
    summary: 'The caller has no session with this id.',
    remedy: 'Nothing: the session is not there any more.',
  },
  SEQUENCE_FORGOTTEN: {
    status: 409,
    retriable: false,
    summary: 'The sequence is below what the client said may be forgotten; the request was not executed.',
    remedy: 'Use a sequence above all that were used before; this one’s answer was given up by the caller.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    retriable: false,
    summary: 'The key was used before with another request; this one was not executed.',
    remedy: 'Give each request a key of its own, and the same key only to the very same request.',
  },
  IDEMPOTENCY_KEY_NOT_SUPPORTED: {
    status: 400,
    retriable: false,
    summary: 'The operation is not remembered under a key, and was not executed.',
    remedy:
      'Send it without `Idempotency-Key`: a heartbeat may be repeated as it is, anything else after a look.',
  },
  SESSION_TABLE_FULL: {
    status: 429,
    retriable: true,
    summary: 'No further session or answer can be remembered; nothing was executed.',
    remedy: 'Wait until others are forgotten, or close sessions that nobody uses.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    retriable: false,
    summary: 'The resource has changed since the version that If-Match names.',
    remedy: 'Read the resource anew, decide again, and send its new `ETag`.',
  },

  // Brokers.
  INCONSISTENT_CLUSTER_ID: {
    status: 409,
    retriable: false,
    summary: 'The caller belongs to another cluster.',
    remedy: 'Point the broker at its own cluster, or give it the id of this one.',
  },
  DUPLICATE_BROKER_REGISTRATION: {
    status: 409,
    retriable: true,
    summary: 'Another incarnation holds this broker id and its session is alive.',
    remedy: 'Stop the other process with this id, or wait until its session has ended.',
  },
  BROKER_ID_NOT_REGISTERED: {
    status: 404,
    retriable: false,
    summary: 'No broker with this id is registered.',
    remedy: 'Register the broker first; `GET /v1/brokers` says which there are.',
  },
  STALE_BROKER_EPOCH: {
    status: 409,
    retriable: false,
    summary: 'The broker epoch is not the registration’s current one.',
    remedy: 'Register again: another incarnation of this broker has registered meanwhile.',
  },
  BROKER_STILL_ACTIVE: {
    status: 409,
    retriable: false,
    summary: 'The broker is not fenced, so it cannot be unregistered.',
    remedy: 'Stop the broker, wait until it is fenced, and unregister it then.',
  },

  // Controllers.
  CONTROLLER_ID_NOT_REGISTERED: {
    status: 404,
    retriable: false,
    summary: 'No controller with this id is registered.',
    remedy: 'List the controllers and use an id from there.',
  },
  CONTROLLER_STILL_VOTER: {
    status: 409,
    retriable: false,
    summary: 'The controller is a voter, so it cannot be unregistered.',
    remedy: 'Remove it from the voters first, and unregister it then.',
  },

  // Topics and partitions.
  TOPIC_ALREADY_EXISTS: {
    status: 409,
    retriable: false,
    summary: 'A topic with this name exists.',
    remedy: 'Take the topic that is there, or another name.',
  },
  UNKNOWN_TOPIC_OR_PARTITION: {
    status: 404,
    retriable: false,
    summary: 'There is no such topic or partition.',
    remedy:
      'Look which there are with `GET /v1/topics`; a topic that was created a moment ago shows with `min_offset`.',
  },
  UNKNOWN_TOPIC_ID: {
    status: 404,
    retriable: false,
    summary: 'There is no topic with this id.',
    remedy: 'Look the topic up anew: it was deleted, and one of the same name has another id.',
  },
  INVALID_TOPIC_EXCEPTION: {
    status: 400,
    retriable: false,
    summary: 'The topic name is not a legal one.',
    remedy: 'Use 1 to 249 of the characters a-z A-Z 0-9 . _ - and neither `.` nor `..`.',
  },
  INVALID_PARTITIONS: {
    status: 400,
    retriable: false,
    summary: 'The number of partitions is not allowed.',
    remedy: 'Ask for at least 1 partition, and to add some for more than there are.',
  },
  INVALID_REPLICATION_FACTOR: {
    status: 400,
    retriable: false,
    summary: 'The replication factor is below 1 or above the number of brokers that can take replicas.',
    remedy: 'Ask for fewer replicas, or start more brokers; fenced ones take none.',
  },
  POLICY_VIOLATION: {
    status: 403,
    retriable: false,
    summary: 'A policy of this cluster’s operators refuses it, or a placement rule of the topic.',
    remedy:
      'Ask for what the policy allows; the message is its own. Whoever runs the controllers can change it.',
  },
  INVALID_REPLICA_ASSIGNMENT: {
    status: 400,
    retriable: false,
    summary: 'The given assignment is not a valid one.',
    remedy: 'Name each replica once, only registered brokers, and equally many for each partition.',
  },

  NO_REASSIGNMENT_IN_PROGRESS: {
    status: 409,
    retriable: false,
    summary: 'The partition is not being reassigned, so that there is nothing to cancel.',
    remedy: 'Look with `GET /v1/reassignments`: it has ended, or was never begun.',
  },

  // The in-sync replica set.
  FENCED_LEADER_EPOCH: {
    status: 409,
    retriable: false,
    summary: 'The leader epoch is older than the partition’s.',
    remedy: 'Stop leading this partition: another leader was chosen. Read the partition anew.',
  },
  INVALID_UPDATE_VERSION: {
    status: 409,
    retriable: false,
    summary: 'The partition epoch is not the current one.',
    remedy: 'Read the partition anew and propose again from what it is now.',
  },
  NEW_LEADER_ELECTED: {
    status: 409,
    retriable: false,
    summary:
      'The proposed set was taken, and with it a reassignment ended that gives the partition another leader.',
    remedy: 'Stop leading this partition, and read it anew.',
  },
  INELIGIBLE_REPLICA: {
    status: 409,
    retriable: true,
    summary:
      'A proposed member is fenced, shutting down, has another broker epoch, or has lost its log directory.',
    remedy: 'Propose again without that broker, or later, when it is unfenced.',
  },
  NOT_LEADER_OR_FOLLOWER: {
    status: 409,
    retriable: false,
    summary: 'The broker has no replica of the partition.',
    remedy: 'Read the partition anew: its replicas were moved.',
  },
  LOG_DIR_NOT_FOUND: {
    status: 404,
    retriable: false,
    summary: 'The broker has not registered the log directory.',
    remedy: 'Register with all directories that are online, and assign replicas to those.',
  },
  KAFKA_STORAGE_ERROR: {
    status: 409,
    retriable: false,
    summary: 'The log directory of the replica went offline, and the broker has not been started anew since.',
    remedy: 'Restart the broker: then it makes the replica anew in another directory.',
  },
  ELECTION_NOT_NEEDED: {
    status: 409,
    retriable: false,
    summary:
      'The partition is led by its preferred leader already, or, for an unclean election, is led at all.',
    remedy: 'Nothing: there is nobody to elect.',
  },
  PREFERRED_LEADER_NOT_AVAILABLE: {
    status: 409,
    retriable: true,
    summary: 'The preferred leader is not active, or is not in sync.',
    remedy: 'Wait until it is in the in-sync set again; `ottla partition describe` shows it.',
  },
  ELIGIBLE_LEADERS_NOT_AVAILABLE: {
    status: 409,
    retriable: true,
    summary:
      'No replica of the partition is active, or one that may lead without loss is about to stop and not fenced yet: nobody is elected, not even uncleanly.',
    remedy:
      'Start one of the brokers that hold a replica; wait until the one that stops has stopped, then ask again.',
  },
  INVALID_ISR: {
    status: 400,
    retriable: false,
    summary: 'The proposed in-sync set is empty, has duplicates, or names a broker that is not a replica.',
    remedy: 'Propose a set of the partition’s own replicas, each once.',
  },
  OPERATION_NOT_ATTEMPTED: {
    status: 409,
    retriable: true,
    summary: 'Nothing was tried for this item, because the batch that would hold it was full or failed.',
    remedy: 'Send this item again.',
  },

  // Who asks.
  SASL_AUTHENTICATION_FAILED: {
    status: 401,
    retriable: false,
    summary: 'The request says not who asks, or the token or certificate that it shows is not honoured.',
    remedy:
      'Show a token as `Authorization: Bearer ottla_…`, or a certificate that is given a role; where all tokens are lost, `ottla token recover` makes one.',
  },
  CLUSTER_AUTHORIZATION_FAILED: {
    status: 403,
    retriable: false,
    summary: 'The role of whoever asks does not allow this operation.',
    remedy: 'Use a token of another role; an administrator makes one.',
  },
  UNKNOWN_TOKEN_ID: {
    status: 404,
    retriable: false,
    summary: 'There is no token with this id.',
    remedy: 'See which there are with `GET /v1/tokens`; it may have been revoked meanwhile.',
  },
  TOKEN_CONFLICT: {
    status: 409,
    retriable: false,
    summary: 'The name belongs to tokens of another role, or the secret to another token.',
    remedy: 'See whose tokens there are with `GET /v1/tokens`; choose another name, or make another secret.',
  },
  TOKEN_TABLE_FULL: {
    status: 409,
    retriable: false,
    summary: 'No further token can be kept: revoke some.',
    remedy: 'See which have expired with `GET /v1/tokens`, and revoke these.',
  },

  // Groups.
  GROUP_ID_NOT_FOUND: {
    status: 404,
    retriable: false,
    summary: 'No group of this name has members.',
    remedy: 'Nothing, where nobody has joined yet: the first member to join makes the group.',
  },
  UNKNOWN_MEMBER_ID: {
    status: 404,
    retriable: false,
    summary: 'The group has no such member: it left, or was not heard for its session timeout.',
    remedy: 'Stop whatever only a member may do, and join again.',
  },
  FENCED_MEMBER_EPOCH: {
    status: 409,
    retriable: false,
    summary: 'The member epoch is not the membership’s current one.',
    remedy: 'Stop whatever only a member may do, and join again: the member has joined anew meanwhile.',
  },
  GROUP_AUTHORIZATION_FAILED: {
    status: 403,
    retriable: false,
    summary: 'The member belongs to another principal, and only that one speaks for it.',
    remedy: 'Make a member id of your own and join under that.',
  },
  GROUP_MAX_SIZE_REACHED: {
    status: 409,
    retriable: true,
    summary: 'No further member can join; nothing was changed.',
    remedy: 'Wait until others have left, or use fewer members.',
  },

  // Kinds of the users' own.
  UNKNOWN_RESOURCE_KIND: {
    status: 404,
    retriable: false,
    summary: 'The controller was given no kind of metadata of this name.',
    remedy:
      'See which kinds there are with `GET /v1/resources`; a program gives its own to `createController` as `resources`.',
  },
  UNKNOWN_RESOURCE_KEY: {
    status: 404,
    retriable: false,
    summary: 'Nothing stands under this key of the kind.',
    remedy: 'See what there is with `GET /v1/resources/{kind}`; it may have been deleted meanwhile.',
  },
  INVALID_RESOURCE: {
    status: 400,
    retriable: false,
    summary: 'The key or the value is not what its kind allows.',
    remedy: 'Correct what the message names; `GET /v1/resources` has the schemas of keys and values.',
  },
  RESOURCE_TABLE_FULL: {
    status: 409,
    retriable: false,
    summary: 'The kind can have no further resource.',
    remedy: 'Delete resources that nobody needs, or keep several things in one value.',
  },

  // The quorum.
  DUPLICATE_VOTER: {
    status: 409,
    retriable: false,
    summary: 'The controller is a voter already.',
    remedy: 'Nothing, when it is the voter that was meant; otherwise remove that one first.',
  },
  VOTER_NOT_FOUND: {
    status: 404,
    retriable: false,
    summary: 'There is no such voter.',
    remedy:
      'Look at `GET /v1/quorum/voters`; a voter is named by its id, and by its directory when that is given.',
  },
  // Kafka answers both with REQUEST_TIMED_OUT, which does not say what to do.
  VOTER_NOT_CAUGHT_UP: {
    status: 409,
    retriable: true,
    summary: 'The controller has not caught up with the leader, so that it could hold the quorum up.',
    remedy:
      'Wait until its lag in `GET /v1/quorum` is gone, and ask again; see that it runs and reaches the leader.',
  },
  VOTER_CHANGE_PENDING: {
    status: 409,
    retriable: true,
    summary: 'Another change of the voters is under way; one is made at a time.',
    remedy: 'Look at `GET /v1/quorum/voters`, and ask again once that change is committed.',
  },

  // Configs.
  INVALID_CONFIG: {
    status: 400,
    retriable: false,
    summary: 'A config is not known, or its value is not one that it may have.',
    remedy: 'Correct what the message names; `GET /v1/configs/definitions` has all names, types and ranges.',
  },

  // Features.
  INVALID_UPDATE_FEATURE: {
    status: 400,
    retriable: false,
    summary: 'The feature level cannot be set to this value.',
    remedy: 'Ask for a level that all registered nodes support; `GET /v1/features` has the ranges.',
  },
} as const satisfies Record<string, ErrorDescription>;

type ErrorDescription = {
  /** HTTP status. */
  readonly status: number;
  readonly retriable: boolean;
  /** What it means. */
  readonly summary: string;
  /** What whoever meets it does next. */
  readonly remedy: string;
};

export type ErrorCode = keyof typeof errorCatalogue;
