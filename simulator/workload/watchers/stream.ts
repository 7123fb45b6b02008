import type { Timer } from '../../../src/ports/clock.ts';
import type {
  WatchBegin,
  WatchEnd,
  WatchEvent,
  WatchHandle,
  WatchRequest,
} from '../../../src/runtime/watch/watch-api.ts';
import type { SimulatedCluster, SimulatedNode } from '../../cluster.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { World } from '../../world.ts';

/** What arrives, in the order in which it was sent; after an end or a loss nothing does. */
export type StreamReader = {
  begun(begin: WatchBegin): void;
  events(events: readonly WatchEvent[]): void;
  ended(end: WatchEnd): void;
  /** The connection is gone, or says nothing any more. */
  lost(): void;
};

type Message =
  | { readonly type: 'begun'; readonly begin: WatchBegin }
  | { readonly type: 'events'; readonly events: readonly WatchEvent[] }
  | { readonly type: 'ended'; readonly end: WatchEnd };

const refusalUs = 300;
/** A node says something every five seconds. */
const silenceUs = 7_000_000;
/** What comes too early waits so long for what should have come before it. */
const gapUs = 500_000;

/**
 * One stream from a node to a reader, as a connection carries it: in order, and broken for good once something of
 * it is lost, because what comes later is never given in its place.
 */
export class SimulatedStream {
  readonly #world: World;
  readonly #node: SimulatedNode;
  readonly #reader: SimulatedProcess;
  readonly #listener: StreamReader;
  readonly #early = new Map<number, Message>();
  #handle: WatchHandle | null = null;
  #sent = 0;
  #taken = 0;
  #timer: Timer | null = null;
  #isOver = false;

  constructor(world: World, node: SimulatedNode, reader: SimulatedProcess, listener: StreamReader) {
    this.#world = world;
    this.#node = node;
    this.#reader = reader;
    this.#listener = listener;
  }

  get node(): SimulatedNode {
    return this.#node;
  }

  open(request: WatchRequest, cluster: SimulatedCluster): void {
    if (!this.#node.process.isUp) {
      this.#reader.schedule(refusalUs, eventKinds.client, () => this.lose());
      return;
    }
    this.#wait(silenceUs);
    this.#world.network.carry(this.#reader, this.#node.process, () => {
      const send = (message: Message): void => {
        // What a node sends in the very event in which it commits is judged by what it has committed.
        cluster.observation.afterEvent(this.#node);
        this.#send(message);
      };
      const watch = this.#node.host?.watch ?? null;
      if (watch === null || this.#isOver) return;
      this.#handle = watch(request, {
        begun: (begin) => send({ type: 'begun', begin }),
        events: (events) => send({ type: 'events', events }),
        ended: (end) => send({ type: 'ended', end }),
      });
    });
  }

  /** The reader has taken what it was given. */
  more(): void {
    if (this.#isOver) return;
    this.#world.network.carry(this.#reader, this.#node.process, () => this.#handle?.more());
  }

  /** The reader goes, or its connection has broken. */
  lose(): void {
    if (!this.#finish()) return;
    this.#world.network.carry(this.#reader, this.#node.process, () => this.#handle?.close());
    this.#listener.lost();
  }

  #send(message: Message): void {
    const number = this.#sent++;
    this.#world.network.carry(this.#node.process, this.#reader, () => {
      if (this.#isOver) return;
      this.#early.set(number, message);
      this.#takeAll();
    });
  }

  #takeAll(): void {
    for (let next = this.#early.get(this.#taken); next !== undefined; next = this.#early.get(this.#taken)) {
      this.#early.delete(this.#taken++);
      this.#take(next);
      if (this.#isOver) return;
    }
    this.#wait(this.#early.size > 0 ? gapUs : silenceUs);
  }

  #take(message: Message): void {
    if (message.type === 'begun') this.#listener.begun(message.begin);
    else if (message.type === 'events') this.#listener.events(message.events);
    else if (this.#finish()) this.#listener.ended(message.end);
  }

  #wait(forUs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#reader.schedule(forUs, eventKinds.client, () => this.lose());
  }

  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#timer?.cancel();
    return true;
  }
}
