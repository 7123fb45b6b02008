import { assertDefined } from '../../src/base/assert.ts';
import type { PeerMessage } from '../../src/ports/transport.ts';
import { NotYet } from '../../bench/processes/wait.ts';
import { type Damage, inflict } from '../processes/damage.ts';
import { putBack } from './directory-copy.ts';
import type { RealNode } from './real-node.ts';
import type { Scene } from './scene.ts';
import { brokersOf, recordsOf, type Trio } from './trio.ts';

/** How a damaged node may come up, and nothing else. */
export type Verdict = 'serves all' | 'recovering' | 'observer' | 'refused';

/** So often the node that is behind asks for votes, in vain, before it counts as kept from leading. */
const requestsInVain = 3;

export type TrialOptions = {
  /** Goes on to where the third node is back and everyone holds everything. */
  readonly untilRecovered: boolean;
  /** What a refusal must name. */
  readonly refusal: RegExp;
};

/**
 * Damages one node and starts it beside the one that is behind. Throws unless it comes up in one of the four
 * ways, keeps its votes to itself while it lacks an acknowledged record, and nothing acknowledged is lost.
 */
export async function tryDamage(
  trio: Trio,
  scene: Scene,
  damages: readonly Damage[],
  options: TrialOptions,
): Promise<Verdict> {
  const trial = new Trial(trio, scene, options);
  try {
    trial.prepare(damages);
    return await trial.run();
  } finally {
    await trio.killAll();
  }
}

class Trial {
  readonly #trio: Trio;
  readonly #scene: Scene;
  readonly #options: TrialOptions;
  readonly #damaged: RealNode;
  readonly #behind: RealNode;
  readonly #whole: RealNode;
  /** Vote requests of the node that is behind, those for its own pre-votes among them. */
  #requests = 0;
  #breach: string | null = null;

  constructor(trio: Trio, scene: Scene, options: TrialOptions) {
    this.#trio = trio;
    this.#scene = scene;
    this.#options = options;
    this.#damaged = trio.node(scene.damaged);
    this.#behind = trio.node(scene.behind);
    this.#whole = trio.node(scene.whole);
  }

  prepare(damages: readonly Damage[]): void {
    for (const node of [this.#damaged, this.#behind]) this.#putBack(node);
    for (const damage of damages) inflict(this.#damaged.directory, damage);
    this.#damaged.onSend = (message) => this.#watchDamaged(message);
    this.#behind.onSend = (message) => this.#watchBehind(message);
  }

  #putBack(node: RealNode): void {
    putBack(node.directory, assertDefined(this.#scene.copies[node.id], 'every node was copied'));
  }

  async run(): Promise<Verdict> {
    this.#damaged.start();
    this.#behind.start();
    const verdict = await this.#until('the damaged node has made up its mind', () => this.#verdict());
    if (verdict === 'serves all') await this.#serveTogether();
    else await this.#nobodyLeads();
    if (this.#options.untilRecovered) await this.#recover(verdict);
    return verdict;
  }

  #verdict(): Verdict | NotYet {
    const { started } = this.#damaged;
    if (started === null) return new NotYet('it starts');
    if (!started.ok) return this.#checkRefusal(started.error.message);
    const { role, recovering, isObserver, logEndOffset } = this.#damaged.status();
    if (role === 'starting') return new NotYet('it joins');
    if (recovering) return 'recovering';
    if (isObserver) return 'observer';
    if (logEndOffset >= this.#scene.acknowledged) return 'serves all';
    throw new Error(`it votes with a log up to ${logEndOffset} of ${this.#scene.acknowledged}`);
  }

  #checkRefusal(message: string): 'refused' {
    if (this.#options.refusal.test(message)) return 'refused';
    throw new Error(`it refuses without a name and a place: ${message}`);
  }

  /** Every vote that leaves the damaged node, and every request for one, is looked at as it is sent. */
  #watchDamaged(message: PeerMessage): void {
    if (message.channel !== 'raft') return;
    const { type } = message.message;
    const grants = type === 'voteResponse' && message.message.voteGranted;
    if (type !== 'voteRequest' && !grants) return;
    const { recovering, isObserver, logEndOffset } = this.#damaged.status();
    const isWhole = logEndOffset >= this.#scene.acknowledged;
    if (isWhole && !recovering && !isObserver) return;
    this.#breach ??= `it sent ${JSON.stringify(message)} with a log up to ${logEndOffset}`;
  }

  #watchBehind(message: PeerMessage): void {
    if (message.channel === 'raft' && message.message.type === 'voteRequest') this.#requests++;
  }

  async #until<Found>(what: string, probe: () => Found | NotYet): Promise<Found> {
    const found = await this.#trio.until(what, () => {
      if (this.#breach !== null) throw new Error(this.#breach);
      const failed = this.#trio.nodes.find(({ fatal }) => fatal !== null);
      if (failed !== undefined) throw new Error(`node ${failed.id} has ended: ${failed.fatal ?? ''}`);
      return probe();
    });
    return found;
  }

  async #serveTogether(): Promise<void> {
    await this.#until('the two serve', () => {
      const { running } = this.#trio;
      const isServed = running.some((node) => node.status().active);
      const { acknowledged } = this.#scene;
      const hasAll = running.every((node) => node.status().appliedOffset >= acknowledged);
      return isServed && hasAll && running.length === 2 ? true : new NotYet('not both');
    });
    for (const node of [this.#damaged, this.#behind]) await this.#checkContents(node);
  }

  async #nobodyLeads(): Promise<void> {
    await this.#until('the one that is behind has asked in vain', () => {
      const leading = this.#trio.running.find(isLeading);
      if (leading !== undefined) throw new Error(`node ${leading.id} leads without every record`);
      return this.#requests >= requestsInVain ? true : new NotYet(`asked ${this.#requests} times`);
    });
  }

  async #recover(verdict: Verdict): Promise<void> {
    const { acknowledged } = this.#scene;
    this.#putBack(this.#whole);
    this.#whole.start();
    const expected = verdict === 'refused' ? 2 : 3;
    await this.#until('everyone holds everything', () => {
      const { running } = this.#trio;
      if (running.length < expected) return new NotYet(`${running.length} run`);
      const behind = running.filter((node) => node.status().appliedOffset < acknowledged);
      if (behind.length > 0) return new NotYet(`${behind.length} are behind`);
      const recovering = running.some((node) => node.status().recovering);
      return recovering ? new NotYet('one recovers') : true;
    });
    for (const node of this.#trio.running) await this.#checkContents(node);
  }

  /** A node shows what was acknowledged, and nothing else in its place. */
  async #checkContents(node: RealNode): Promise<void> {
    const { acknowledged, records, brokers } = this.#scene;
    const held = await recordsOf(node, acknowledged);
    // What came before its log begins is seen by what it has led to.
    const start = Math.min(...held.keys());
    for (const [at, record] of records) {
      if (at < start || held.get(at) === record) continue;
      throw new Error(`node ${node.id} holds ${held.get(at) ?? 'nothing'} where ${record} is`);
    }
    const found = brokersOf(node);
    const odd = Array.from({ length: Math.max(found.length, brokers.length) }, (_, at) => at).find(
      (at) => found[at] !== brokers[at],
    );
    if (odd === undefined) return;
    throw new Error(`node ${node.id} shows ${found[odd] ?? 'nothing'} where ${brokers[odd] ?? 'nothing'} is`);
  }
}

function isLeading(node: RealNode): boolean {
  const { role, active } = node.status();
  return role === 'leader' || active;
}
