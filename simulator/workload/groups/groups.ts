import { assertNever } from '../../../src/base/assert.ts';
import type { SimulatedCluster } from '../../cluster.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { World } from '../../world.ts';
import type { Exchanges } from '../operators/exchange.ts';
import type { GroupFault, GroupPlan } from './group-plan.ts';
import { ModelMember } from './model-member.ts';

export type GroupsOptions = {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly exchanges: Exchanges;
};

/** One member over all its lives. */
export type HostedMember = {
  readonly group: string;
  readonly process: SimulatedProcess;
  life: ModelMember | null;
};

/** Looks at each leadership at the moment in which a member begins to believe in it. */
export type GroupJudge = { elected(member: HostedMember, life: ModelMember, leaderEpoch: number): void };

const slowness = 100;
const leadershipBegins = 'group leadership begins';

/** The members of the groups of one cluster, and what goes wrong with them. */
export class Groups {
  readonly hosted: HostedMember[] = [];
  readonly judges: GroupJudge[] = [];
  readonly #options: GroupsOptions;
  readonly #counts = new Map<string, number>();
  #plan: GroupPlan | null = null;
  #isHealed = false;

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  plan(plan: GroupPlan): void {
    const { world } = this.#options;
    this.#plan = plan;
    for (const [at, { group, driftPpm }] of plan.memberships.entries()) {
      const process = world.addProcess(`member${at + 1}`, { driftPpm, wallOffsetMs: 0 });
      const member: HostedMember = { group, process, life: null };
      this.hosted.push(member);
      world.schedule(300_000 + at * 10_000, eventKinds.boot, () => this.#boot(member));
    }
    for (const fault of plan.faults) world.schedule(fault.atUs, eventKinds.fault, () => this.#inject(fault));
  }

  heal(): void {
    this.#isHealed = true;
    for (const member of this.hosted) {
      member.process.resume();
      if (member.life === null) this.#boot(member);
    }
  }

  /** How often a member has come to believe that it leads its group. */
  get leaderships(): number {
    return this.#counts.get(leadershipBegins) ?? 0;
  }

  /** What members met, for coverage. */
  marks(): readonly (readonly [string, number])[] {
    return [...this.#counts];
  }

  /** Once all is healed everybody is a member again, and one of each group leads it. */
  whatIsMissing(): string | null {
    const led = new Set(
      this.hosted.filter(({ life }) => (life?.leaderEpoch ?? null) !== null).map(({ group }) => group),
    );
    for (const { group, process, life } of this.hosted) {
      if (life === null || life.remainingMs === 0) return `${process.name} is no member of ${group}`;
      if (!led.has(group)) return `nobody leads ${group}`;
    }
    return null;
  }

  #boot(member: HostedMember): void {
    const { process, group } = member;
    if (process.isUp || this.#plan === null) return;
    const { world, exchanges } = this.#options;
    const { sessionTimeoutMs } = this.#plan;
    process.begin();
    world.say(() => `${process.name} starts, life ${process.generation}`);
    const elected = (leaderEpoch: number): void => this.#elected(member, life, leaderEpoch);
    const life = new ModelMember({ group, sessionTimeoutMs, process, seed: world.seed, exchanges, elected });
    member.life = life;
    process.schedule(0, eventKinds.boot, () => life.start());
  }

  #elected(member: HostedMember, life: ModelMember, leaderEpoch: number): void {
    this.#count(leadershipBegins);
    this.#options.world.say(() => `${member.process.name} leads ${member.group} in epoch ${leaderEpoch}`);
    for (const judge of this.judges) judge.elected(member, life, leaderEpoch);
  }

  #count(mark: string): void {
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + 1);
  }

  #inject(fault: GroupFault): void {
    const member = this.hosted[fault.member];
    if (this.#isHealed || member === undefined || !member.process.isUp) return;
    this.#options.world.say(() => `fault ${JSON.stringify(fault)} at ${member.process.name}`);
    this.#count(`group fault: ${fault.kind}`);
    const { process, life } = member;
    const nodes = this.#options.cluster.nodes.map((node) => node.process);
    switch (fault.kind) {
      case 'crash':
        return this.#end(member, fault.forUs);
      case 'pause':
        return process.pause(fault.forUs);
      case 'leave':
        return life?.leave(() => {
          if (member.life === life) this.#end(member, fault.forUs);
        });
      case 'cutOff':
        return this.#cut([...nodes.map(from(process)), ...nodes.map(to(process))], fault.forUs);
      case 'deaf':
        return this.#cut(nodes.map(to(process)), fault.forUs);
      case 'oneSided': {
        const leader = this.#options.cluster.leader()?.process ?? null;
        const others = nodes.filter((node) => node !== leader);
        return this.#cut([...others.map(from(process)), ...others.map(to(process))], fault.forUs);
      }
      case 'slow':
        for (const node of nodes) this.#options.world.network.clog(process, node, slowness);
        return this.#after(fault.forUs, () => {
          for (const node of nodes) this.#options.world.network.clog(process, node, 1);
        });
      default:
        assertNever(fault.kind);
    }
  }

  #end(member: HostedMember, downUs: number): void {
    member.process.end();
    member.life = null;
    this.#options.world.schedule(downUs, eventKinds.boot, () => this.#boot(member));
  }

  #cut(ways: readonly Way[], forUs: number): void {
    const { network } = this.#options.world;
    for (const [sender, receiver] of ways) network.cut(sender, receiver);
    this.#after(forUs, () => {
      for (const [sender, receiver] of ways) network.mend(sender, receiver);
    });
  }

  /** The heal mends every link at once, and then nothing is left to be taken back. */
  #after(delayUs: number, run: () => void): void {
    this.#options.world.schedule(delayUs, eventKinds.fault, () => {
      if (!this.#isHealed) run();
    });
  }
}

type Way = readonly [SimulatedProcess, SimulatedProcess];

function from(sender: SimulatedProcess): (node: SimulatedProcess) => Way {
  return (node) => [sender, node];
}

function to(receiver: SimulatedProcess): (node: SimulatedProcess) => Way {
  return (node) => [node, receiver];
}
