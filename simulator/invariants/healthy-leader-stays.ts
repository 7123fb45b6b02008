import { connectedMajorities, type Partition, partitionsAlone } from '../faults/partitions.ts';
import type { Schedule } from '../faults/schedule.ts';
import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

type Reign = { readonly epoch: number; readonly sinceUs: number };

/**
 * A leader whose links to a majority are sound, and theirs among each other, leads on: no voter that was cut
 * off from it, and none that comes back, deposes it.
 *
 * Judged where a schedule holds partitions and nothing else, on links that lose nothing. The links must have
 * been sound for three fetch timeouts before somebody campaigned against the leader, or it gave up: that long
 * a voter may remember what was before.
 */
export function healthyLeaderStays(cluster: ClusterObservation, schedule: Schedule): Checker {
  const { config } = schedule;
  const partitions = partitionsAlone(schedule) ?? [];
  const isJudged = partitions.length > 0 && config.link.lossPerMille === 0;
  const settlingUs = 3 * config.raft.fetchTimeoutMs * 1000;
  const reigns = new Map<ObservedNode, Reign>();
  /** When each epoch was first entered by anybody. */
  const enteredUs = new Map<number, number>();
  const checker: Checker = {
    name: 'a leader with a sound majority stays',
    source: 'Raft thesis, 9.6; KIP-996; hashicorp/raft 530; etcd 9333',
    afterEvent(node, view) {
      if (!isJudged) return;
      const { nowUs } = cluster.world;
      if (!enteredUs.has(view.epoch)) enteredUs.set(view.epoch, nowUs);
      const reign = reigns.get(node);
      if (reign !== undefined && (view.role !== 'leader' || view.epoch !== reign.epoch)) {
        reigns.delete(node);
        judge(node, reign, view.epoch);
      }
      if (view.role === 'leader' && !reigns.has(node)) {
        reigns.set(node, { epoch: view.epoch, sinceUs: nowUs });
      }
    },
  };

  function judge(node: ObservedNode, reign: Reign, epoch: number): void {
    const { nowUs } = cluster.world;
    const challengedUs = epoch === reign.epoch ? nowUs : (enteredUs.get(epoch) ?? nowUs);
    const fromUs = challengedUs - settlingUs;
    if (reign.sinceUs > fromUs) return;
    const met = partitions.filter((partition) => overlaps(partition, fromUs, nowUs));
    const sound = connectedMajorities(config.nodes, met).find((members) => members.includes(indexOf(node)));
    if (sound === undefined) return;
    const names = sound.map((at) => cluster.nodes[at]?.process.name).join(', ');
    const what = `${node.process.name} led epoch ${reign.epoch} since ${reign.sinceUs} us and stops in epoch ${epoch}`;
    cluster.fail(checker, `${what}, and nothing was wrong among ${names} since ${fromUs} us`);
  }

  function indexOf(node: ObservedNode): number {
    return cluster.nodes.indexOf(node);
  }
  return checker;
}

function overlaps({ atUs, forUs }: Partition, fromUs: number, toUs: number): boolean {
  return atUs <= toUs && fromUs <= atUs + forUs;
}
