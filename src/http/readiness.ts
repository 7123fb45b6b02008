import type { NodeStatus } from '../runtime/controller-api.ts';

export type ReadinessCheck = { readonly name: string; readonly ok: boolean; readonly message: string };

/** A node that has not heard from its leader, or as leader from a majority, for this long is cut off. */
const contactLostAfterMs = 3_000;

/** A write, a commit or a replay that has gone on for this long hangs. */
const hungAfterMs = 10_000;

/** What must hold for this node to serve; each failing check says what to look at. */
export function readinessChecks(status: NodeStatus): readonly ReadinessCheck[] {
  return [...quorumChecks(status), diskCheck(status)];
}

/**
 * What must hold for the quorum to make progress, as this node sees it. A process may live and answer while
 * it does not: nobody leads, no majority is heard, nothing is committed, or a disk takes no more writes.
 */
export function quorumChecks(status: NodeStatus): readonly ReadinessCheck[] {
  return [
    processCheck(status),
    clusterCheck(status),
    leaderCheck(status),
    contactCheck(status),
    hungCheck(
      'writes',
      status.oldestWriteMs,
      'A write to its disk is under way for',
      'Its disk takes writes.',
    ),
    hungCheck(
      'commit',
      status.commitStuckMs,
      'Nothing was committed for',
      'What is in its log is committed.',
    ),
    hungCheck('apply', status.applyStuckMs, 'Nothing was applied for', 'What is committed is applied.'),
  ];
}

function hungCheck(name: string, forMs: number | null, complaint: string, fine: string): ReadinessCheck {
  if (forMs === null || forMs <= hungAfterMs) return check(name, true, fine);
  return check(name, false, `${complaint} ${Math.round(forMs)} ms though something waits for it.`);
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
