import type { NodeId } from '../../base/brands.ts';
import { hashIntegers } from '../../base/random.ts';
import type { PeerMessage, Transport, TransportEvents } from '../../ports/transport.ts';
import type { ReplicaKey } from '../../raft/replica-key.ts';
import { exponentialPerMille, HashedChance } from './chance.ts';
import { eventKinds } from './event-kinds.ts';
import type { SimulatedProcess } from './process.ts';
import type { VirtualWorld } from './virtual-world.ts';

/** How a link behaves; every link begins with the network's default. */
export type LinkBehaviour = {
  readonly lossPerMille: number;
  readonly duplicatePerMille: number;
  /** How much later than the first copy a repeated message may come; by default as late as another message. */
  readonly repeatedWithinUs?: number;
  /** The least delay, and the mean of what an exponential distribution adds to it. */
  readonly delayUs: number;
  readonly jitterUs: number;
  /** True: messages of one link arrive in the order of their sending, as over one TCP connection. */
  readonly isOrdered: boolean;
};

type Link = {
  /** Stands for the seed and this direction between two processes. */
  readonly stream: number;
  /** How many messages and events of its connection it has carried. */
  sequence: number;
  /** How many partitions cut it at present. */
  cuts: number;
  /** Multiplies its delays while it is clogged. */
  clog: number;
  lastArrivalUs: number;
  /** Grows when the connection breaks: what was under way then never arrives. */
  connection: number;
};

/** What became of a message that never arrives. */
export type Loss = 'lost' | 'cut off' | 'sent to nobody' | 'lost with its connection';

type Attachment = {
  readonly process: SimulatedProcess;
  readonly generation: number;
  readonly cluster: ClusterAddresses;
  readonly key: ReplicaKey;
  readonly events: TransportEvents;
};

/** Which process has which controller id in one cluster. */
export type ClusterAddresses = ReadonlyMap<NodeId, SimulatedProcess>;

/** Looks at each message as its sender hands it over, and may replace what arrives by an equal of it. */
export type NetworkObserver = {
  onSend(from: SimulatedProcess, to: NodeId, message: PeerMessage): void;
  onDeliver(
    from: SimulatedProcess,
    to: SimulatedProcess,
    message: PeerMessage,
    sentAtUs: number,
  ): PeerMessage;
  onLoss?(
    from: SimulatedProcess,
    to: SimulatedProcess,
    message: PeerMessage,
    loss: Loss,
    sentAtUs: number,
  ): void;
};

export const quietLink: LinkBehaviour = {
  lossPerMille: 0,
  duplicatePerMille: 0,
  delayUs: 60,
  jitterUs: 60,
  isOrdered: false,
};

const noStorm = { lossPerMille: 0, duplicatePerMille: 0 };

/** How long a connection waits before it sends again what was lost. */
const retransmissionUs = 200_000;

/** How long until a peer learns that a process is gone and that nobody listens there. */
const closedHintUs: readonly number[] = [150, 200, 300, 400, 600, 1000, 2000, 8000];

/**
 * A network that loses, repeats, delays, reorders and cuts. What happens to a message is hashed from the
 * seed, its link and its number on the link, so that one message more or less changes nothing else.
 *
 * A message belongs to the process that was there when it was sent: a process that started since then
 * has other connections and never sees it.
 */
export class SimulatedNetwork {
  behaviour: LinkBehaviour = quietLink;
  /** What is lost and repeated beyond that, at present. */
  storm: Pick<LinkBehaviour, 'lossPerMille' | 'duplicatePerMille'> = noStorm;
  observer: NetworkObserver = { onSend: () => undefined, onDeliver: (_from, _to, message) => message };
  readonly counts = { sent: 0, delivered: 0, lost: 0, duplicated: 0, cut: 0 };
  readonly #world: Pick<VirtualWorld, 'seed' | 'nowUs'>;
  readonly #links = new Map<number, Link>();
  readonly #attachments = new Map<number, Attachment>();

  constructor(world: Pick<VirtualWorld, 'seed' | 'nowUs'>) {
    this.#world = world;
  }

  /** The transport of one life of a process. `events` are called under that life alone. */
  attach(
    process: SimulatedProcess,
    cluster: ClusterAddresses,
    key: ReplicaKey,
    events: TransportEvents,
  ): Transport {
    const attachment = { process, generation: process.generation, cluster, key, events };
    this.#attachments.set(process.index, attachment);
    this.#announce(attachment);
    return {
      send: (to, message) => this.#send(attachment, to, message),
      setEndpoints: () => undefined,
      close: (complete) => {
        if (this.#isLive(attachment)) this.detach(process, true);
        process.schedule(0, eventKinds.connection, complete);
      },
    };
  }

  /** The process is gone. `isNoticed`: its machine lives and refuses connections, which peers soon learn. */
  detach(process: SimulatedProcess, isNoticed: boolean): void {
    const gone = this.#attachments.get(process.index);
    if (gone === undefined) return;
    this.#attachments.delete(process.index);
    if (!isNoticed) return;
    this.#eachPeer(gone, (peer) => {
      const link = this.#link(process.index, peer.process.index);
      const delayUs = nextOn(link).pick(closedHintUs);
      this.#later(peer, delayUs, () => {
        if (link.cuts === 0) peer.events.onConnectionClosed(gone.key.id, !process.isUp);
      });
    });
  }

  /** Cuts one direction. Each cut is taken back by one `mend`. */
  cut(from: SimulatedProcess, to: SimulatedProcess): void {
    this.#link(from.index, to.index).cuts++;
  }

  mend(from: SimulatedProcess, to: SimulatedProcess): void {
    const link = this.#link(from.index, to.index);
    if (link.cuts > 0) link.cuts--;
  }

  /** Nothing cuts either direction at present. */
  isOpen(one: SimulatedProcess, other: SimulatedProcess): boolean {
    return this.#link(one.index, other.index).cuts === 0 && this.#link(other.index, one.index).cuts === 0;
  }

  /** Multiplies the delays of one direction; 1 is as usual. */
  clog(from: SimulatedProcess, to: SimulatedProcess, factor: number): void {
    this.#link(from.index, to.index).clog = factor;
  }

  /** The connection between two processes breaks, with all that is under way, and is made again. */
  reset(one: SimulatedProcess, other: SimulatedProcess): void {
    const [left, right] = [this.#attachments.get(one.index), this.#attachments.get(other.index)];
    if (left === undefined || right === undefined) return;
    for (const [from, to] of [
      [left, right],
      [right, left],
    ] as const) {
      const link = this.#link(from.process.index, to.process.index);
      link.connection++;
      const chance = nextOn(link);
      const closedUs = chance.pick(closedHintUs);
      this.#later(to, closedUs, () => to.events.onConnectionClosed(from.key.id, false));
      this.#later(to, closedUs + this.#delayUs(link, chance), () => {
        if (this.#isLive(from) && link.cuts === 0) to.events.onConnectionOpened(from.key.id);
      });
    }
  }

  /** Every cut, clog and storm ends. */
  heal(): void {
    this.storm = noStorm;
    for (const link of this.#links.values()) {
      link.cuts = 0;
      link.clog = 1;
    }
  }

  /**
   * Takes something over that is no message between controllers: what clients and brokers say. It is delayed
   * and cut like a message, and lost only when it is lost twice, because its connection sends it again; it
   * is never repeated. Whoever waits for an answer needs a timeout.
   */
  carry(from: SimulatedProcess, to: SimulatedProcess, deliver: () => void): void {
    this.counts.sent++;
    const link = this.#link(from.index, to.index);
    const chance = nextOn(link);
    const fate = chance.next();
    const lossPerMille = this.behaviour.lossPerMille + this.storm.lossPerMille;
    const isLate = fate % 1000 < lossPerMille;
    const isLost = isLate && (fate >>> 10) % 1000 < lossPerMille;
    const delayUs = this.#delayUs(link, chance) + (isLate ? retransmissionUs : 0);
    if (link.cuts > 0 || isLost || !to.isUp) {
      this.counts.lost++;
      return;
    }
    to.schedule(delayUs, eventKinds.delivery, () => {
      if (link.cuts > 0) return;
      this.counts.delivered++;
      deliver();
    });
  }

  #send(from: Attachment, to: NodeId, message: PeerMessage): void {
    if (!this.#isLive(from)) return;
    this.counts.sent++;
    this.observer.onSend(from.process, to, message);
    const target = from.cluster.get(to);
    if (target === undefined) return;
    const link = this.#link(from.process.index, target.index);
    const receiver = this.#attachments.get(target.index);
    const chance = nextOn(link);
    const fate = chance.next();
    const delayUs = this.#delayUs(link, chance);
    if (link.cuts > 0) {
      this.counts.cut++;
      this.observer.onLoss?.(from.process, target, message, 'cut off', this.#world.nowUs);
      return;
    }
    const lossPerMille = this.behaviour.lossPerMille + this.storm.lossPerMille;
    if (receiver === undefined || fate % 1000 < lossPerMille) {
      this.counts.lost++;
      const loss = receiver === undefined ? 'sent to nobody' : 'lost';
      this.observer.onLoss?.(from.process, target, message, loss, this.#world.nowUs);
      if (receiver === undefined) this.#tellDropped(from, to, message, delayUs);
      return;
    }
    this.#deliver(from, receiver, message, delayUs);
    // A request that is passed on travels over one connection, which repeats nothing; Raft's and the
    // bootstrap's own messages must bear repetition.
    const isRepeatable = message.channel !== 'forward';
    const duplicatePerMille = this.behaviour.duplicatePerMille + this.storm.duplicatePerMille;
    if (isRepeatable && (fate >>> 10) % 1000 < duplicatePerMille) {
      this.counts.duplicated++;
      const lateUs = delayUs + this.#delayUs(link, chance);
      const { repeatedWithinUs } = this.behaviour;
      const laterUs = repeatedWithinUs === undefined ? 0 : chance.integer(repeatedWithinUs);
      this.#deliver(from, receiver, message, lateUs + laterUs);
    }
  }

  /** Nobody listens there, so that no byte of it was sent; a transport that knows of a forwarded request says so. */
  #tellDropped(from: Attachment, to: NodeId, message: PeerMessage, delayUs: number): void {
    if (message.channel !== 'forward') return;
    const forward = message.message;
    this.#later(from, delayUs, () => from.events.onForwardDropped?.(to, forward));
  }

  #deliver(from: Attachment, to: Attachment, message: PeerMessage, delayUs: number): void {
    const link = this.#link(from.process.index, to.process.index);
    const { connection } = link;
    const sentAtUs = this.#world.nowUs;
    this.#later(to, delayUs, () => {
      // A cut takes what is under way, too.
      if (link.cuts > 0 || link.connection !== connection) {
        const loss = link.cuts > 0 ? 'cut off' : 'lost with its connection';
        this.observer.onLoss?.(from.process, to.process, message, loss, sentAtUs);
        return;
      }
      this.counts.delivered++;
      const arrived = this.observer.onDeliver(from.process, to.process, message, sentAtUs);
      to.events.onMessage(from.key, arrived);
    });
  }

  #delayUs(link: Link, chance: HashedChance): number {
    const { delayUs, jitterUs, isOrdered } = this.behaviour;
    const jitter = Math.floor((chance.pick(exponentialPerMille) * jitterUs) / 1000);
    const total = (delayUs + jitter) * link.clog;
    if (!isOrdered) return total;
    const nowUs = this.#world.nowUs;
    const arrivalUs = Math.max(nowUs + total, link.lastArrivalUs);
    link.lastArrivalUs = arrivalUs;
    return arrivalUs - nowUs;
  }

  /** A new process connects to its peers, and they to it. */
  #announce(arrived: Attachment): void {
    this.#eachPeer(arrived, (peer) => {
      const link = this.#link(arrived.process.index, peer.process.index);
      const delayUs = this.#delayUs(link, nextOn(link));
      this.#later(peer, delayUs, () => {
        if (this.#isLive(arrived) && link.cuts === 0) peer.events.onConnectionOpened(arrived.key.id);
      });
      this.#later(arrived, delayUs, () => {
        if (this.#isLive(peer) && link.cuts === 0) arrived.events.onConnectionOpened(peer.key.id);
      });
    });
  }

  #eachPeer(of: Attachment, visit: (peer: Attachment) => void): void {
    for (const process of of.cluster.values()) {
      const peer = this.#attachments.get(process.index);
      if (process !== of.process && peer !== undefined) visit(peer);
    }
  }

  /** Under the receiver's generation, so that nothing reaches a process that started later. */
  #later(to: Attachment, delayUs: number, run: () => void): void {
    if (!this.#isLive(to)) return;
    to.process.schedule(delayUs, eventKinds.delivery, () => {
      if (this.#isLive(to)) run();
    });
  }

  #isLive(attachment: Attachment): boolean {
    return this.#attachments.get(attachment.process.index) === attachment;
  }

  #link(from: number, to: number): Link {
    const key = from * 65_536 + to;
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const stream = hashIntegers(this.#world.seed, 0x6c696e6b, from, to);
    const link = { stream, sequence: 0, cuts: 0, clog: 1, lastArrivalUs: 0, connection: 0 };
    this.#links.set(key, link);
    return link;
  }
}

/** Chance for the next message on a link, whatever became of the messages before it. */
function nextOn(link: Link): HashedChance {
  return new HashedChance(link.stream, link.sequence++);
}
