import { isNodeId, type NodeId } from '../base/brands.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { Policies } from '../metadata/policy.ts';
import type { ResourceKind } from '../metadata/resources/custom/kind.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { CertificateRole } from './certificate-role.ts';
import type { LogSlice, NodeStatus } from './controller-api.ts';
import type { LogSurvey } from './log/inspect-log.ts';

/** What one controller process needs to know; the composition root turns it into a running node. */
export type ServerConfig = {
  readonly nodeId: NodeId;
  readonly dataDir: string;
  /** Every voter of the first start, this node included or not (design 7). */
  readonly voters: readonly VoterAddress[];
  readonly httpListen: Endpoint;
  readonly peerListen: Endpoint;
  readonly tls: ServerTls | null;
  /**
   * Allows listeners without TLS that other machines can reach, and makes everybody an administrator unless
   * `asksWho` says otherwise.
   */
  readonly insecure: boolean;
  /** Whether callers must say who they are, by token or certificate; when absent, unless it is insecure. */
  readonly asksWho?: boolean;
  /** Client certificates that stand in for a token. */
  readonly certificateRoles?: readonly CertificateRole[];
  /** Told when this controller has made the cluster's first administrator, and at each start until the file is gone. */
  readonly onAdministrator?: (notice: AdministratorNotice) => void;
  /** Serves an API browser at `/docs`. */
  readonly apiBrowser?: boolean;
  readonly logLevel: LogLevel;
  /** What the operator forbids beyond what operations refuse, as functions of the embedding program … */
  readonly policies?: Policies;
  /** … or as a module on the disk that exports them. */
  readonly policyModule?: string;
  /** Kinds of metadata of the embedding program's own. */
  readonly resources?: readonly ResourceKind[];
  /** Settings of the controller by their flat names (see `ControllerSettings`); the rest have their defaults. */
  readonly settings?: Readonly<Record<string, number>>;
};

export type AdministratorNotice = {
  /** To be shown to a person, and never to be logged. */
  readonly token: string;
  /** It stands there, too, for its owner's eyes alone. */
  readonly file: string;
};

/** Asks the controller of a directory, by a file in it, to make whoever holds a secret an administrator. */
export type RequestAdministrator = (
  dataDir: string,
  secretHash: string,
) => Promise<Result<null, DirectoryError>>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type VoterAddress = Endpoint & { readonly id: NodeId };

/** Names of PEM files, used for HTTP and for peers; peers always show each other their certificates. */
export type ServerTls = {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly authorityFile: string | null;
  readonly requireClientCertificate: boolean;
};

export type RunningServer = {
  readonly httpUrl: string;
  /** Where its node stands now; never waits for the quorum. */
  status(): NodeStatus;
  /**
   * Reads certificates, keys and authorities again; where they cannot be used, the old ones stay. Nothing is
   * there to be read without TLS.
   */
  reload(): Promise<Result<null, { readonly message: string }>>;
  /** Resolves when the node has ended, by `stop` or by itself. */
  readonly stopped: Promise<ServerEnd>;
  /** Hands leadership over, answers what is pending, flushes and closes. May be called more than once. */
  stop(): Promise<void>;
};

export type ServerEnd =
  | { readonly reason: 'asked' }
  | { readonly reason: 'failed'; readonly message: string };

/** Why a server does not start: by its stable code, what it means. */
export const serverStartErrors = {
  CONFIG_INVALID: 'A setting is missing, unknown, or has a value that is not allowed.',
  INSECURE_LISTENER: 'An address that other machines can reach has no TLS, and nobody asked for that.',
  INVALID_TLS: 'A certificate, key or authority cannot be read or used.',
  ADDRESS_IN_USE: 'Another process listens on the port.',
  ADDRESS_UNAVAILABLE: 'This machine cannot listen on the address.',
  DIRECTORY_LOCKED: 'Another process uses the data directory.',
  DIRECTORY_UNUSABLE: 'The data directory cannot be made, read or written.',
  STORAGE_CORRUPT: 'What stands in the data directory is damaged, or of another cluster or version.',
} as const;

export type ServerStartError = {
  readonly code: keyof typeof serverStartErrors;
  /** A sentence that says what to do next. */
  readonly message: string;
};

export type StartServer = (config: ServerConfig) => Promise<Result<RunningServer, ServerStartError>>;

/** Reads a stopped node's log from its directory, page by page, and changes nothing there. */
export type ReadLogDirectory = (
  dataDir: string,
  request: { readonly from: number | null; readonly maxRecords: number },
) => Promise<Result<LogSlice, DirectoryError>>;

/** Why a data directory could not be used. */
type DirectoryError = {
  readonly message: string;
  /** There is none of that name, or it is no controller's. */
  readonly isMissing?: boolean;
};

/** What stands in a data directory. */
export type StorageInfo = {
  readonly dataDir: string;
  readonly nodeId: NodeId | null;
  readonly directoryId: string | null;
  /** Null until the node knows which cluster it belongs to. */
  readonly clusterId: string | null;
  /** The process that uses it, or that did when it was killed. */
  readonly usedBy: string | null;
  readonly quorumState: StoredQuorumState | null;
  readonly log: LogSurvey | null;
  readonly checkpoints: readonly CheckpointFolder[];
  /** What is damaged, each as a sentence. */
  readonly faults: readonly string[];
};

/** What the node must never forget; whom it voted for in this epoch, if anybody. */
export type StoredQuorumState = {
  readonly epoch: number;
  readonly leaderId: number | null;
  readonly votedFor: number | null;
  readonly recovering: boolean;
};

export type CheckpointFolder = { readonly name: string; readonly bytes: number };

/** Looks at a data directory and changes nothing there. */
export type InspectStorage = (dataDir: string) => Promise<Result<StorageInfo, { readonly message: string }>>;

/** All settings of a controller by their flat names, those that are given among them; or what is wrong with one. */
export type ResolveServerSettings = (
  given: Readonly<Record<string, number>>,
) => Promise<Result<Readonly<Record<string, number>>, string>>;

const voterPattern = /^(\d{1,10})@(.+)$/;

/** `0@127.0.0.1:9645,1@127.0.0.1:9647`, Kafka's form of `controller.quorum.voters`. */
export function parseVoters(text: string): Result<readonly VoterAddress[], string> {
  const voters: VoterAddress[] = [];
  for (const part of text.split(',')) {
    const match = voterPattern.exec(part.trim());
    const id = Number(match?.[1]);
    const endpoint = match === null ? null : parseEndpoint(match[2] ?? '');
    if (!isNodeId(id) || endpoint === null || endpoint.port === 0) {
      return failed(`'${part}' is not a voter; write <id>@<host>:<port>, for example 0@127.0.0.1:9645.`);
    }
    if (voters.some((voter) => voter.id === id)) return failed(`Voter ${id} is named twice.`);
    voters.push({ id, ...endpoint });
  }
  return ok(voters);
}

const endpointPattern = /^(\[[0-9a-fA-F:.]+\]|[^:\s/]+):(\d{1,5})$/;

/** `127.0.0.1:9644` or `[::1]:9644`; null when it is neither. Port 0 stands for any free one. */
export function parseEndpoint(text: string): Endpoint | null {
  const match = endpointPattern.exec(text.trim());
  if (match === null) return null;
  const port = Number(match[2]);
  const host = (match[1] ?? '').replace(/^\[(.*)\]$/, '$1');
  return port <= 65_535 ? { host, port } : null;
}
