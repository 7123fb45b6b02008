import { coverageMark } from '../../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../../base/result.ts';
import { type LeadershipRules, standingIn } from '../topic/leadership.ts';
import { complete, led, type Membership, withMembers } from '../topic/membership.ts';
import { originalReplicas } from '../topic/partition-row.ts';

/**
 * The partition on its way to `target`, or there already; a failure says why it cannot go there. The original
 * replicas as the target end a reassignment and undo it (KIP-455). The invariants are in the README.
 */
export function moveTo(
  row: Membership,
  target: readonly number[],
  { policy, ...standing }: LeadershipRules,
): Result<Membership, string> {
  // Whatever the topic allows: nothing that was committed is given up for a move.
  const rules = standingIn({ ...standing, policy: { ...policy, allowsUncleanElection: false } }, row);
  const originals = originalReplicas(row);
  const removingReplicas = originals.filter((replica) => !target.includes(replica));
  const replicas = [...target, ...removingReplicas];
  const now = led(row, rules);
  const isr = now.isr.filter((member) => replicas.includes(member));
  const addingReplicas = target.filter((replica) => !originals.includes(replica));
  const change = { replicas, addingReplicas, removingReplicas, isr };
  // Where nobody of the ISR stays, one who is eligible may lead at once, and then without loss.
  const moved = led(withMembers(now, change, rules), rules);
  if (moved.isr.length === 0) {
    coverageMark('reassignment: refused, nobody who stays is in sync');
    return failed(
      `nobody of [${replicas.join()}] who is in sync, or eligible, can lead, and [${now.isr.join()}] would be lost`,
    );
  }
  return ok(complete(moved, rules));
}
