import { eventKinds } from '../../src/testing/world/event-kinds.ts';
import { longPartitionUs } from '../faults/long-partitions.ts';
import { connectedMajorities, partitionsAlone } from '../faults/partitions.ts';
import type { Schedule } from '../faults/schedule.ts';
import type { Clients } from '../workload/clients.ts';
import type { World } from '../world.ts';

/**
 * While a majority is connected, each of it to each, the cluster serves, whatever is cut off beside it: a
 * write and a read that are asked of every node in the middle of such a time are answered somewhere before its end.
 *
 * The first half of such a time is left to the quorum: four fetch timeouts and 1.5 s. A leader that hears no
 * majority resigns within one and a half of them, a voter that hears no leader asks for pre-votes after one, and
 * one or two elections, each within a fetch timeout, end it; the fixed part is for disks and distances, and for a node
 * that comes back from the partition before and has the rest of the log to fetch, in pieces that are not small
 * (`../faults/long-partitions.ts`). The probes then have as long again, in which they find their way.
 *
 * Judged where a schedule holds long partitions and nothing else. (Raft paper, 5.1 and 8; Cloudflare's
 * outage of November 2020, a partial partition in which etcd had a majority and no leader for minutes.)
 */
export function checkProgressInPartitions(world: World, clients: Clients, schedule: Schedule): number {
  const windows = servingWindows(schedule);
  const { nodes } = schedule.config;
  for (const [number, { fromUs, toUs }] of windows.entries()) {
    const open = new Set<string>(['write', 'read']);
    const middleUs = Math.floor((fromUs + toUs) / 2);
    const stepUs = Math.floor((toUs - middleUs) / (2 * probesOfEachNode));
    for (let probe = 0; probe < probesOfEachNode; probe++) {
      const ask = (kind: 'write' | 'read'): void =>
        askEveryNode({
          clients,
          nodes,
          kind,
          probe: number * probesOfEachNode + probe,
          atUs: middleUs + probe * stepUs,
          onDone: () => open.delete(kind),
        });
      ask('write');
      ask('read');
    }
    world.schedule(toUs - 1 - world.nowUs, eventKinds.fault, () => {
      if (open.size === 0) return;
      const what = `no ${[...open].join(' and no ')} was answered from ${middleUs} to ${toUs} us`;
      world.fail('progress in a partial partition', `${what}, and a majority was connected`);
    });
  }
  return windows.length;
}

/** Far from the numbers of the workload's own clients. */
const probingClient = 1000;

/** One that meets a node which is cut off waits there in vain, so there are several, and one begins at each. */
const probesOfEachNode = 4;

function askEveryNode(probing: {
  readonly clients: Clients;
  readonly nodes: number;
  readonly kind: 'write' | 'read';
  readonly probe: number;
  readonly atUs: number;
  readonly onDone: () => void;
}): void {
  const { clients, nodes, kind, probe, atUs, onDone } = probing;
  for (let at = 0; at < nodes; at++) {
    // Clients of their own in each such time, who prefer no node yet: they begin at the one that their number names.
    const client = (probingClient + 2 * probe + (kind === 'write' ? 0 : 1)) * nodes + at;
    clients.plan([{ atUs, client, kind, key: at, padding: 0, onDone }]);
  }
}

type Window = { readonly fromUs: number; readonly toUs: number };

function servingWindows(schedule: Schedule): readonly Window[] {
  const { config } = schedule;
  const windows: Window[] = [];
  for (const partition of partitionsAlone(schedule) ?? []) {
    if (partition.forUs < longPartitionUs(config)) continue;
    if (connectedMajorities(config.nodes, [partition]).length === 0) continue;
    windows.push({ fromUs: partition.atUs, toUs: partition.atUs + partition.forUs });
  }
  return windows;
}
