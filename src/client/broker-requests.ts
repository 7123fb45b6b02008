import type { Clock } from '../ports/clock.ts';
import { supportedFeatures } from '../metadata/resources/feature/supported.ts';
import type { BrokerFailure, BrokerRefusal, HeartbeatResult, RegistrationResult } from './broker-core.ts';
import type { Client } from './create-client.ts';
import { OttlaError, OutcomeUnknownError } from './errors.ts';
import { makeProblem } from './protocol/problem.ts';

export type Registration = {
  readonly brokerId: number;
  readonly incarnationId: string;
  readonly listeners: readonly {
    readonly name: string;
    readonly host: string;
    readonly port: number;
    readonly securityProtocol?: number;
  }[];
  readonly rack: string | null;
  readonly logDirs: readonly string[];
  /** Null where the broker does not vouch for what an earlier incarnation held. */
  readonly previousBrokerEpoch: number | null;
  /** Null where nobody knows whether the incarnation before still runs. */
  readonly previousIncarnationId: string | null;
  /** Null until the broker has met a cluster; from then on it belongs to that one. */
  readonly clusterId: string | null;
};

export type BrokerRequestsOptions = {
  readonly client: Client;
  readonly clock: Clock;
  readonly metadataOffset: () => number;
  readonly offlineLogDirs?: (() => readonly string[]) | undefined;
};

/** The two requests of a broker's agent over HTTP; neither ever rejects. */
export type BrokerRequests = {
  register(timeoutMs: number): Promise<RegistrationResult>;
  heartbeat(request: {
    readonly brokerEpoch: number;
    readonly wantShutDown: boolean;
    readonly timeoutMs: number;
  }): Promise<HeartbeatResult>;
};

export function createBrokerRequests(
  /** As it is by the time that it is asked for. */
  registration: () => Registration,
  options: BrokerRequestsOptions,
): BrokerRequests {
  const { client, clock, metadataOffset, offlineLogDirs = () => [] } = options;
  const cluster: { id: string | null } = { id: registration().clusterId };
  // Each controller once: the waiting between attempts is the core's, which has its own clock for it.
  const attemptsMax = client.endpoints.length;
  return {
    register: (timeoutMs) =>
      attempt(() => register(client, registration(), cluster, { attemptsMax, timeoutMs, clock })),
    heartbeat: ({ brokerEpoch, wantShutDown, timeoutMs }) =>
      attempt(async () => {
        const offline = offlineLogDirs();
        const input = {
          brokerId: registration().brokerId,
          brokerEpoch,
          metadataOffset: metadataOffset(),
          wantShutDown,
          ...(offline.length === 0 ? {} : { offlineLogDirs: offline }),
        };
        const answer = await client.heartbeatBroker(input, { timeoutMs, attemptsMax });
        const { isFenced, shouldShutDown, sessionTimeoutMs } = answer;
        return { type: 'acknowledged', isFenced, shouldShutDown, sessionTimeoutMs } as const;
      }),
  };
}

async function register(
  client: Client,
  registration: Registration,
  cluster: { id: string | null },
  limits: { readonly attemptsMax: number; readonly timeoutMs: number; readonly clock: Clock },
): Promise<RegistrationResult> {
  const { attemptsMax, clock } = limits;
  const deadlineMs = clock.monotonicMs() + limits.timeoutMs;
  const remainingMs = (): number => Math.max(1, Math.ceil(deadlineMs - clock.monotonicMs()));
  const options = { timeoutMs: remainingMs(), attemptsMax };
  const clusterId = cluster.id ?? (await client.getCluster({}, options)).clusterId;
  if (clusterId === null) return { type: 'failed', reason: 'the quorum has never been started' };
  const { previousBrokerEpoch, previousIncarnationId } = registration;
  const { brokerEpoch } = await client.registerBroker(
    {
      brokerId: registration.brokerId,
      clusterId,
      incarnationId: registration.incarnationId,
      listeners: registration.listeners,
      features: supportedFeatures,
      rack: registration.rack,
      logDirs: registration.logDirs,
      ...(previousBrokerEpoch === null ? {} : { previousBrokerEpoch }),
      ...(previousIncarnationId === null ? {} : { previousIncarnationId }),
    },
    // The same incarnation keeps its epoch, so repeating a registration needs no key.
    { timeoutMs: remainingMs(), attemptsMax, exactlyOnce: false },
  );
  cluster.id = clusterId;
  return { type: 'registered', brokerEpoch };
}

/** What a request came to, as a value in every case. */
export async function attempt<Value>(
  run: () => Promise<Value>,
): Promise<Value | BrokerRefusal | BrokerFailure> {
  try {
    return await run();
  } catch (error) {
    return describe(error);
  }
}

function describe(error: unknown): BrokerRefusal | BrokerFailure {
  if (error instanceof OttlaError) {
    const { code, retryable, problem } = error;
    return {
      type: 'refused',
      code,
      message: problem.detail,
      retryable,
      retryAfterMs: problem.retryAfterMs ?? null,
    };
  }
  const reason = error instanceof Error ? error.message : String(error);
  if (!(error instanceof OutcomeUnknownError)) return { type: 'failed', reason };
  const { code, retryable } = makeProblem({ code: 'OUTCOME_UNKNOWN', message: reason });
  return { type: 'refused', code, message: reason, retryable, retryAfterMs: null };
}
