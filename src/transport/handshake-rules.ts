import type { NodeId, Uuid } from '../base/brands.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { ReplicaKey } from '../raft/replica-key.ts';
import type { CloseReason } from './close-reason.ts';
import { type Hello, sharedVersion, type Welcome } from './handshake.ts';
import { nameProblem, type ShownNames } from './node-names.ts';

/** Who this node is. The cluster id is absent until the quorum was bootstrapped. */
export type LocalIdentity = ReplicaKey & { readonly clusterId: Uuid | null };

/** The directory id under which node `id` is connected right now, or null when it is not. */
export type LiveDirectory = (id: NodeId) => Uuid | null;

/** Whether an accepted connection's hello is welcome; gives the version to speak. */
export function judgeHello(
  local: LocalIdentity,
  hello: Hello,
  liveDirectory: LiveDirectory,
  shown: ShownNames | null,
): Result<number, CloseReason> {
  const version = sharedVersion(hello.versions);
  if (version === null) return refuse('UNSUPPORTED_VERSION', 'no protocol version is shared');
  const problem =
    clusterProblem(local.clusterId, hello.clusterId) ??
    certificateProblem(local, hello, shown) ??
    identityProblem(local, hello.replica, liveDirectory);
  if (problem !== null) return failed(problem);
  if (hello.target !== local.id) {
    return refuse('WRONG_NODE', `node ${hello.target} was sought and node ${local.id} is here`);
  }
  return ok(version);
}

/** Whether the node that answered is the one that was dialled. */
export function judgeWelcome(
  local: LocalIdentity,
  target: NodeId,
  welcome: Welcome,
  liveDirectory: LiveDirectory,
  shown: ShownNames | null,
): Result<null, CloseReason> {
  const problem =
    clusterProblem(local.clusterId, welcome.clusterId) ??
    certificateProblem(local, welcome, shown) ??
    identityProblem(local, welcome.replica, liveDirectory);
  if (problem !== null) return failed(problem);
  if (welcome.replica.id !== target) {
    return refuse('WRONG_NODE', `node ${target} was sought and node ${welcome.replica.id} answered`);
  }
  return ok(null);
}

/** Two ids that are both known must be equal; one that is not known yet says nothing (design 7). */
export function clusterProblem(local: Uuid | null, remote: Uuid | null): CloseReason | null {
  if (local === null || remote === null || local === remote) return null;
  return { code: 'INCONSISTENT_CLUSTER_ID', message: `cluster ${remote} meets cluster ${local}` };
}

/** `shown` is null where the peer need not show a certificate. */
function certificateProblem(
  local: LocalIdentity,
  peer: Hello | Welcome,
  shown: ShownNames | null,
): CloseReason | null {
  if (shown === null) return null;
  return nameProblem(shown, peer.replica.id, local.clusterId ?? peer.clusterId);
}

function identityProblem(
  local: LocalIdentity,
  remote: ReplicaKey,
  liveDirectory: LiveDirectory,
): CloseReason | null {
  if (remote.id === local.id) {
    if (remote.directoryId === local.directoryId) {
      return { code: 'SELF_CONNECTION', message: `node ${local.id} has reached itself` };
    }
    return duplicate(remote, local.directoryId);
  }
  // A peer that lost its disk comes back under a new directory id once its old connection is gone; while
  // the old one lives, two processes claim one node id, and the newcomer is the one to be refused.
  const live = liveDirectory(remote.id);
  return live === null || live === remote.directoryId ? null : duplicate(remote, live);
}

function duplicate(remote: ReplicaKey, directoryId: Uuid): CloseReason {
  const message = `node ${remote.id} with directory ${remote.directoryId} meets the one with directory ${directoryId}`;
  return { code: 'DUPLICATE_NODE_ID', message };
}

function refuse(code: 'UNSUPPORTED_VERSION' | 'WRONG_NODE', message: string): Result<never, CloseReason> {
  return failed({ code, message });
}
