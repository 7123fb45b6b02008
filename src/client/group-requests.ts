import type { GroupHeartbeatResult, JoinResult, LeaveResult } from './group-member-core.ts';
import { attempt } from './broker-requests.ts';
import { createClient } from './create-client.ts';
import type { ClientTls, TokenSource } from './exchange.ts';

export type GroupRequestsOptions = {
  readonly controllers: readonly string[];
  readonly tls: ClientTls | null;
  readonly token: TokenSource | null;
};

export type Membership = {
  readonly group: string;
  readonly memberId: string;
  readonly sessionTimeoutMs: number | null;
  readonly metadata: string;
};

type OwnRequest = { readonly memberEpoch: number; readonly timeoutMs: number };

/** The requests of a group's member over HTTP; none of them ever rejects. */
export type GroupRequests = {
  join(timeoutMs: number): Promise<JoinResult>;
  heartbeat(request: OwnRequest): Promise<GroupHeartbeatResult>;
  leave(request: OwnRequest): Promise<LeaveResult>;
  close(): Promise<void>;
};

export function createGroupRequests(membership: Membership, options: GroupRequestsOptions): GroupRequests {
  const { controllers, tls, token } = options;
  const client = createClient({
    endpoints: controllers,
    // A hung controller should cost half a heartbeat, not all of it.
    attemptTimeoutMs: 1_000,
    connectionsMax: 2,
    ...(tls === null ? {} : { tls }),
    ...(token === null ? {} : { token }),
  });
  const { group, memberId, metadata, sessionTimeoutMs } = membership;
  const joining = { group, memberId, metadata, ...(sessionTimeoutMs === null ? {} : { sessionTimeoutMs }) };
  // Each controller once: the waiting between attempts is the core's, which has its own clock for it.
  const attemptsMax = controllers.length;
  // The member's id and epoch make each of them the same when it is repeated, so that none needs a key.
  const once = { attemptsMax, exactlyOnce: false } as const;
  return {
    join: (timeoutMs) =>
      attempt(async () => {
        const { memberEpoch } = await client.joinGroup(joining, { ...once, timeoutMs });
        return { type: 'joined', memberEpoch } as const;
      }),
    heartbeat: ({ memberEpoch, timeoutMs }) =>
      attempt(async () => {
        const beat = { group, memberId, memberEpoch };
        const answer = await client.heartbeatGroupMember(beat, { attemptsMax, timeoutMs });
        return { type: 'acknowledged', ...answer } as const;
      }),
    leave: ({ memberEpoch, timeoutMs }) =>
      attempt(async () => {
        await client.leaveGroup({ group, memberId, memberEpoch }, { ...once, timeoutMs });
        return { type: 'left' } as const;
      }),
    close: () => client.close(),
  };
}
