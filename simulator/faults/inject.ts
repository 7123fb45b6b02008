import type { SimulatedCluster, SimulatedNode } from '../cluster.ts';
import { eventKinds } from '../event-kinds.ts';
import type { SimulatedProcess } from '../process.ts';
import type { World } from '../world.ts';
import { damageOneBit } from './rot.ts';
import type { Fault, FaultKind, FaultTarget } from './fault.ts';

/**
 * Carries out planned faults, within the budget under which the design promises safety and, once all is
 * healed, liveness:
 * 1. Any number of crashes, power failures, pauses, partitions and slow, failing or full disks.
 * 2. At most a minority of the voters is damaged by bit rot or a wiped disk within one run, because a
 *    voter that lost what it had acknowledged is a voter less (design 19). None before the first commit,
 *    because the first start needs all voters (design 7).
 */
export class FaultInjector {
  readonly counts: Record<FaultKind | 'overBudget', number> = {
    crash: 0,
    crashAll: 0,
    stop: 0,
    pause: 0,
    isolate: 0,
    split: 0,
    cutPair: 0,
    clog: 0,
    slowDisk: 0,
    failDisk: 0,
    fullDisk: 0,
    rot: 0,
    wipe: 0,
    wallJump: 0,
    overBudget: 0,
  };
  /** The faults that took place, each with the node it hit. */
  readonly executed: Fault[] = [];
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  #isHealed = false;

  constructor(world: World, cluster: SimulatedCluster) {
    this.#world = world;
    this.#cluster = cluster;
  }

  plan(faults: readonly Fault[]): void {
    for (const fault of faults) {
      this.#world.schedule(fault.atUs, eventKinds.fault, () => this.#inject(fault));
    }
  }

  /** Everything that can end ends: links, pauses, disks, and every node that is down starts. */
  heal(): void {
    this.#isHealed = true;
    this.#world.network.heal();
    for (const node of this.#cluster.nodes) {
      node.process.resume();
      node.disk.slowness = 1;
      node.stores.slowness = 1;
      node.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
      node.disk.failNext.fdatasync = 0;
      node.disk.failNext.pwrite = 0;
      if (!node.process.isUp) this.#cluster.startLater(node, 1000);
    }
  }

  #inject(planned: Fault): void {
    if (this.#isHealed) return;
    const fault = 'target' in planned ? { ...planned, target: this.#resolve(planned.target) } : planned;
    this.#world.say(() => `fault ${JSON.stringify(fault)}`);
    if (this.#carryOut(fault)) {
      this.counts[fault.kind]++;
      this.executed.push({ ...fault, atUs: this.#world.nowUs });
    } else {
      this.counts.overBudget++;
    }
  }

  #resolve(target: FaultTarget): number {
    if (target !== 'leader') return target;
    return this.#cluster.leader()?.index ?? 0;
  }

  /** False when the budget or the present state does not allow it. */
  #carryOut(fault: Fault): boolean {
    const { nodes } = this.#cluster;
    if (fault.kind === 'crashAll') {
      for (const node of nodes) this.#cluster.crash(node, fault.power, fault.downUs);
      return true;
    }
    if (fault.kind === 'split') return this.#split(fault.side, fault.forUs);
    if (fault.kind === 'cutPair') {
      const [from, to] = [nodes[fault.from], nodes[fault.to]];
      if (from === undefined || to === undefined) return false;
      this.#cutFor(from.process, to.process, fault.forUs);
      if (!fault.isOneWay) this.#cutFor(to.process, from.process, fault.forUs);
      return true;
    }
    const node = fault.target === 'leader' ? undefined : nodes[fault.target];
    return node !== undefined && this.#hit(node, fault);
  }

  #hit(node: SimulatedNode, fault: Exclude<Fault, { kind: 'crashAll' | 'split' | 'cutPair' }>): boolean {
    switch (fault.kind) {
      case 'crash':
        this.#cluster.crash(node, fault.power, fault.downUs);
        return true;
      case 'stop':
        this.#cluster.stop(node, fault.downUs);
        return true;
      case 'pause':
        node.process.pause(fault.forUs);
        return true;
      case 'isolate':
        return this.#isolate(node, fault.direction, fault.forUs);
      case 'clog':
        return this.#clog(node, fault.factor, fault.forUs);
      case 'slowDisk':
        node.disk.slowness = fault.factor;
        node.stores.slowness = fault.factor;
        this.#after(fault.forUs, () => {
          node.disk.slowness = 1;
          node.stores.slowness = 1;
        });
        return true;
      case 'failDisk':
        node.disk.failNext[fault.operation] = 1;
        return true;
      case 'fullDisk':
        node.disk.capacityBytes = node.disk.names.bytesUsed();
        this.#after(fault.forUs, () => {
          node.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
        });
        return true;
      case 'rot':
        if (!this.#mayDamage(node)) return false;
        this.#cluster.crash(node, false, fault.downUs);
        return damageOneBit(node, fault.choice);
      case 'wipe':
        if (!this.#mayDamage(node)) return false;
        this.#cluster.wipe(node, fault.downUs);
        return true;
      case 'wallJump':
        node.process.clockFaults.wallOffsetMs += fault.byMs;
        return true;
    }
  }

  #mayDamage(node: SimulatedNode): boolean {
    const { nodes, observation } = this.#cluster;
    if (observation.committed.endOffset === 0) return false;
    const damaged = nodes.filter((other) => other.isDamaged || other === node).length;
    return 2 * damaged < nodes.length;
  }

  #isolate(node: SimulatedNode, direction: 'both' | 'in' | 'out', forUs: number): boolean {
    for (const peer of this.#cluster.nodes) {
      if (peer === node) continue;
      if (direction !== 'in') this.#cutFor(node.process, peer.process, forUs);
      if (direction !== 'out') this.#cutFor(peer.process, node.process, forUs);
    }
    return true;
  }

  #split(side: number, forUs: number): boolean {
    const { nodes } = this.#cluster;
    for (const from of nodes) {
      for (const to of nodes) {
        const isCut = ((side >>> from.index) & 1) !== ((side >>> to.index) & 1);
        if (isCut) this.#cutFor(from.process, to.process, forUs);
      }
    }
    return true;
  }

  #clog(node: SimulatedNode, factor: number, forUs: number): boolean {
    for (const peer of this.#cluster.nodes) {
      if (peer === node) continue;
      this.#world.network.clog(node.process, peer.process, factor);
      this.#after(forUs, () => this.#world.network.clog(node.process, peer.process, 1));
    }
    return true;
  }

  #cutFor(from: SimulatedProcess, to: SimulatedProcess, forUs: number): void {
    const { network } = this.#world;
    network.cut(from, to);
    this.#after(forUs, () => network.mend(from, to));
  }

  /** After the heal nothing is left to be taken back. */
  #after(delayUs: number, run: () => void): void {
    this.#world.schedule(delayUs, eventKinds.fault, () => {
      if (!this.#isHealed) run();
    });
  }
}
