import type { NodeStatus } from '../runtime/controller-api.ts';

export type ReadinessCheck = { readonly name: string; readonly ok: boolean; readonly message: string };

/** A node that has not heard from its leader, or as leader from a majority, for this long is cut off. */
const contactLostAfterMs = 3_000;

/** What must hold for this node to serve; each failing check says what to look at. */
export function readinessChecks(status: NodeStatus): readonly ReadinessCheck[] {
  return [
    processCheck(status),
    clusterCheck(status),
    leaderCheck(status),
    contactCheck(status),
    diskCheck(status),
  ];
}

function processCheck(status: NodeStatus): ReadinessCheck {
  const { role } = status;
  const running = role !== 'starting' && role !== 'stopped';
  return check('process', running, `The node is ${running ? 'running' : role}.`);
}

function clusterCheck(status: NodeStatus): ReadinessCheck {
  const known = status.clusterId !== null;
  return check(
    'cluster',
    known,
    known
      ? `It belongs to cluster ${status.clusterId}.`
      : 'The quorum was never started: all configured voters must run once at the same time.',
  );
}

function leaderCheck(status: NodeStatus): ReadinessCheck {
  if (status.leaderId === null) {
    return check('leader', false, `No leader is known in epoch ${status.epoch}: is a majority of voters up?`);
  }
  const isLeader = status.leaderId === status.nodeId;
  if (isLeader && !status.active) {
    return check('leader', false, 'It leads and is still reading the log up to its epoch’s start.');
  }
  return check('leader', true, `Controller ${status.leaderId} leads epoch ${status.epoch}.`);
}

function contactCheck(status: NodeStatus): ReadinessCheck {
  const { lastContactMs } = status;
  // A sole voter hears from nobody and needs nobody.
  const isAlone = status.voters.length === 1 && status.leaderId === status.nodeId;
  if (isAlone) return check('contact', true, 'It is the only voter.');
  if (lastContactMs === null) return check('contact', false, 'It has not heard from the quorum yet.');
  const recent = lastContactMs <= contactLostAfterMs;
  return check('contact', recent, `It heard from the quorum ${Math.round(lastContactMs)} ms ago.`);
}

function diskCheck(status: NodeStatus): ReadinessCheck {
  if (status.recovering) {
    return check('disk', false, 'It found damage in its log and fetches what it lost from the leader.');
  }
  if (status.lowOnSpace) return check('disk', false, 'Its disk is nearly full: make room.');
  return check('disk', true, 'Its log is whole and has room.');
}

function check(name: string, isOk: boolean, message: string): ReadinessCheck {
  return { name, ok: isOk, message };
}
