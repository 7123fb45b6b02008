import type { Fault } from './fault.ts';
import type { Schedule } from './schedule.ts';

/** A fault that cuts links, between nodes that are named. */
export type Partition = Extract<Fault<number>, { readonly kind: 'cutPair' | 'isolate' | 'split' }>;

/**
 * The faults of a schedule that holds partitions and nothing else, one after the other; null for any other
 * schedule. Of those that overlap it would have to be known which one a node has met first.
 */
export function partitionsAlone({ faults }: Schedule): readonly Partition[] | null {
  const partitions: Partition[] = [];
  let untilUs = 0;
  for (const fault of faults) {
    if (!isPartition(fault) || fault.atUs < untilUs) return null;
    untilUs = fault.atUs + fault.forUs;
    partitions.push(fault);
  }
  return partitions;
}

function isPartition(fault: Fault): fault is Partition & Fault {
  if (fault.kind === 'isolate') return fault.target !== 'leader';
  return fault.kind === 'cutPair' || fault.kind === 'split';
}

/** The majorities, each as the places of its nodes, whose nodes all `partitions` leave connected, each to each. */
export function connectedMajorities(
  nodes: number,
  partitions: readonly Partition[],
): readonly (readonly number[])[] {
  const majorities: (readonly number[])[] = [];
  const places = Array.from({ length: nodes }, (_, at) => at);
  const isConnected = (left: number, right: number): boolean =>
    left === right || !partitions.some((partition) => isCut(partition, left, right));
  for (let members = 0; members < 2 ** nodes; members++) {
    const chosen = places.filter((at) => ((members >>> at) & 1) === 1);
    if (2 * chosen.length <= nodes) continue;
    if (chosen.every((left) => chosen.every((right) => isConnected(left, right)))) majorities.push(chosen);
  }
  return majorities;
}

/** Whether two nodes do not hear each other in both directions. */
function isCut(partition: Partition, left: number, right: number): boolean {
  switch (partition.kind) {
    case 'cutPair': {
      const pair = [partition.from, partition.to];
      return pair.includes(left) && pair.includes(right);
    }
    case 'isolate':
      return left === partition.target || right === partition.target;
    case 'split':
      return ((partition.side >>> left) & 1) !== ((partition.side >>> right) & 1);
  }
}
