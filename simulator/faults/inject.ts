import type { SimulatedCluster, SimulatedNode } from '../cluster.ts';
import { eventKinds } from '../../src/testing/world/event-kinds.ts';
import type { World } from '../world.ts';
import { type Budget, faultKinds } from './budget.ts';
import { clockFaults } from './clock-faults.ts';
import { diskFaults } from './disk-faults.ts';
import { type CarryOut, FaultContext } from './fault-context.ts';
import type { ConcreteFault, Fault, FaultKind, FaultOf, FaultTarget } from './fault.ts';
import { membershipFaults } from './membership-faults.ts';
import { networkFaults } from './network-faults.ts';
import { processFaults } from './process-faults.ts';

const carryOuts: { readonly [Kind in FaultKind]: CarryOut<Kind> } = {
  ...processFaults,
  ...networkFaults,
  ...diskFaults,
  ...clockFaults,
  ...membershipFaults,
};

/** Carries out planned faults within a budget, and keeps a record of them with their targets settled. */
export class FaultInjector {
  readonly counts: Record<FaultKind | 'overBudget', number>;
  /** Every fault whose time came, in order; those that the budget did not allow among them. */
  readonly recorded: ConcreteFault[] = [];
  /** Of those the ones that took place. */
  readonly executed: ConcreteFault[] = [];
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #context: FaultContext;

  constructor(world: World, cluster: SimulatedCluster, budget: Budget) {
    this.#world = world;
    this.#cluster = cluster;
    this.#context = new FaultContext(world, cluster, budget);
    const none = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>;
    this.counts = { ...none, overBudget: 0 };
  }

  plan(faults: readonly Fault[]): void {
    for (const fault of faults) {
      this.#world.schedule(fault.atUs, eventKinds.fault, () => this.#inject(fault));
    }
  }

  /** Everything that can end ends: links, pauses, disks, and every node that is down starts. */
  heal(): void {
    this.#context.heal();
    this.#world.network.heal();
    for (const node of this.#cluster.nodes) {
      node.process.resume();
      if (node.isOlder) this.#cluster.upgrade(node, 1000);
      node.crashPoint.disarm();
      node.disk.heal();
      node.stores.heal();
      if (!node.process.isUp) this.#cluster.startLater(node, 1000);
    }
  }

  #inject(planned: Fault): void {
    if (this.#context.isHealed) return;
    const fault = this.#settled(planned);
    this.recorded.push(fault);
    const node = 'target' in fault ? this.#context.node(fault.target) : null;
    const isAllowed = this.#context.allows(fault.kind, node);
    this.#world.say(() => `fault ${JSON.stringify(fault)}${isAllowed ? '' : ', which is over the budget'}`);
    if (isAllowed && carryOut(this.#context, fault)) {
      this.counts[fault.kind]++;
      this.executed.push(fault);
      this.#world.recorder?.fault(fault, this.#world.nowUs);
    } else {
      this.counts.overBudget++;
    }
  }

  #settled(fault: Fault): ConcreteFault {
    if (!('target' in fault)) return fault;
    return { ...fault, target: this.#resolve(fault.target) } as ConcreteFault;
  }

  #resolve(target: FaultTarget): number {
    if (target !== 'leader') return target;
    const leader: SimulatedNode | null = this.#cluster.leader();
    return leader?.index ?? 0;
  }
}

function carryOut<Kind extends FaultKind>(context: FaultContext, fault: FaultOf<Kind>): boolean {
  const run: CarryOut<Kind> = carryOuts[fault.kind as Kind];
  return run(context, fault);
}
