import { describe, expect, it } from 'vitest';
import { type NodeId, nodeId } from '../../src/base/brands.ts';
import { zeroUuid } from '../../src/base/uuid.ts';
import type { PeerMessage, Transport } from '../../src/ports/transport.ts';
import type { SimulatedProcess } from '../../src/testing/world/process.ts';
import { World } from '../../simulator/world.ts';

type Bench = {
  readonly world: World;
  readonly processes: readonly SimulatedProcess[];
  readonly transports: Transport[];
  readonly arrived: string[];
};

function message(requestId: number): PeerMessage {
  return { channel: 'forward', message: { type: 'forwardResponse', requestId, answer: new Uint8Array() } };
}

function bench(seed: number): Bench {
  const world = new World({ seed });
  const processes = [1, 2, 3].map((id) => world.addProcess(`node${id}`, { driftPpm: 0, wallOffsetMs: 0 }));
  const made: Bench = { world, processes, transports: [], arrived: [] };
  for (const [at, process] of processes.entries()) {
    process.begin();
    connect(made, at, process);
  }
  world.runUntil(1_000_000);
  made.arrived.length = 0;
  return made;
}

function connect(made: Bench, at: number, process: SimulatedProcess): void {
  const addresses = new Map<NodeId, SimulatedProcess>(
    made.processes.map((peer) => [nodeId(peer.index + 1), peer]),
  );
  const key = { id: nodeId(at + 1), directoryId: zeroUuid };
  const name = process.name;
  made.transports[at] = made.world.network.attach(process, addresses, key, {
    onMessage: (from, received) => {
      const id = received.message.type === 'forwardResponse' ? received.message.requestId : -1;
      made.arrived.push(`${name} got ${id} from ${from.id}`);
    },
    onConnectionOpened: (peer) => made.arrived.push(`${name} opened ${peer}`),
    onConnectionClosed: (peer, refused) => made.arrived.push(`${name} closed ${peer} ${refused}`),
    onForwardDropped: (to, { requestId }) => made.arrived.push(`${name} dropped ${requestId} to ${to}`),
  });
}

function settle({ world }: Bench): void {
  world.runUntil(world.nowUs + 10_000_000);
}

describe('the simulated network', () => {
  it('delivers later, never from within a send', () => {
    const made = bench(1);
    made.transports[0]?.send(nodeId(2), message(7));
    expect(made.arrived).toEqual([]);
    settle(made);
    expect(made.arrived).toEqual(['node2 got 7 from 1']);
  });

  it('cuts one direction and leaves the other', () => {
    const made = bench(1);
    const [one, two] = made.processes;
    if (one === undefined || two === undefined) throw new Error('three processes were made');
    made.world.network.cut(one, two);
    made.transports[0]?.send(nodeId(2), message(1));
    made.transports[1]?.send(nodeId(1), message(2));
    settle(made);
    expect(made.arrived).toEqual(['node1 got 2 from 2']);
  });

  it('takes nothing from a dead process to a new one, and tells peers that nobody listens', () => {
    const made = bench(1);
    const two = made.processes[1];
    made.transports[0]?.send(nodeId(2), message(1));
    two?.end();
    if (two !== undefined) made.world.network.detach(two, true);
    made.world.runUntil(made.world.nowUs + 100_000);
    two?.begin();
    if (two !== undefined) connect(made, 1, two);
    settle(made);
    expect(made.arrived.filter((line) => line.startsWith('node2 got'))).toEqual([]);
    expect(made.arrived).toContain('node1 closed 2 true');
    expect(made.arrived).toContain('node1 opened 2');
  });

  it('says of what is passed on to nobody that it was never sent, and of nothing else', () => {
    const made = bench(1);
    const [one, two] = made.processes;
    if (one === undefined || two === undefined) throw new Error('three processes were made');
    made.world.network.cut(one, two);
    made.transports[0]?.send(nodeId(2), message(1));
    made.world.network.mend(one, two);
    two.end();
    made.world.network.detach(two, false);
    made.transports[0]?.send(nodeId(2), message(2));
    expect(made.arrived).toEqual([]);
    settle(made);
    expect(made.arrived).toEqual(['node1 dropped 2 to 2']);
  });

  it('decides the fate of a message by its link and number alone', () => {
    const fates = (noise: boolean): readonly string[] => {
      const made = bench(9);
      made.world.network.behaviour = {
        lossPerMille: 400,
        duplicatePerMille: 200,
        delayUs: 50,
        jitterUs: 500,
        isOrdered: false,
      };
      for (let id = 0; id < 30; id++) {
        made.transports[0]?.send(nodeId(2), message(id));
        if (noise) made.transports[2]?.send(nodeId(1), message(1000 + id));
      }
      settle(made);
      return made.arrived.filter((line) => line.startsWith('node2'));
    };
    expect(fates(true)).toEqual(fates(false));
    expect(fates(false).length).toBeLessThan(30);
  });

  it('hands a paused process what was sent to it when it goes on, in order', () => {
    const made = bench(1);
    made.processes[1]?.pause(2_000_000);
    made.transports[0]?.send(nodeId(2), message(1));
    made.world.runUntil(made.world.nowUs + 1_000_000);
    expect(made.arrived).toEqual([]);
    settle(made);
    expect(made.arrived).toEqual(['node2 got 1 from 1']);
  });
});
