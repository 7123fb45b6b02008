import type { Exchange, ExchangeRequest, ExchangeResult } from '../client/exchange.ts';
import { makeProblem } from '../client/protocol/problem.ts';
import type { OpenedStream, Streams } from '../client/watch/streams.ts';
import { createWatchFormats } from '../http/watch/formats.ts';
import type { Timer } from '../ports/clock.ts';
import type { WatchEnd, WatchHandle } from '../runtime/watch/watch-api.ts';
import type { HostedNode } from './hosted-node.ts';
import { NodeServer } from './node-server.ts';
import { StreamBody } from './stream-body.ts';
import { eventKinds } from './world/event-kinds.ts';
import type { SimulatedProcess } from './world/process.ts';
import type { VirtualWorld } from './world/virtual-world.ts';

/** A connection to a node that is down is refused after so long. */
const refusalUs = 300;
/** A stream that says nothing for so long is lost: a node says something every five seconds. */
const silenceUs = 20_000_000;

/** Something that is open between a client and a node; it breaks when the node ends. */
type Open = { readonly node: HostedNode; lose(reason: string): void };

/** The connections of clients and brokers to the nodes of a quorum, over the world's network. */
export class Connections {
  readonly #world: VirtualWorld;
  readonly #nodes: readonly HostedNode[];
  readonly #servers = new Map<HostedNode, NodeServer>();
  readonly #open = new Set<Open>();
  readonly #format = createWatchFormats().binary;

  constructor(world: VirtualWorld, nodes: readonly HostedNode[]) {
    this.#world = world;
    this.#nodes = nodes;
  }

  /** The node listens, or listens again. */
  nodeStarted(node: HostedNode): void {
    this.#servers.set(node, new NodeServer(node.running));
  }

  /** Its connections break, and who waited learns it at once. */
  nodeEnded(node: HostedNode): void {
    this.#servers.delete(node);
    for (const open of this.#open) if (open.node === node) open.lose('the connection was closed');
  }

  exchangeOf(client: SimulatedProcess): Exchange {
    return {
      send: (index, request) => new Promise((resolve) => this.#send(client, index, request, resolve)),
      close: () => Promise.resolve(),
    };
  }

  streamsOf(client: SimulatedProcess): Streams {
    return {
      open: (index, path, signal) =>
        new Promise((resolve) => this.#openStream(client, index, { path, signal }, resolve)),
      close: () => Promise.resolve(),
    };
  }

  #send(
    client: SimulatedProcess,
    index: number,
    request: ExchangeRequest,
    resolve: (result: ExchangeResult) => void,
  ): void {
    const node = this.#nodes[index];
    const { network } = this.#world;
    if (node === undefined || !node.process.isUp) {
      const reason = 'the connection was refused';
      client.schedule(refusalUs, eventKinds.client, () =>
        resolve({ type: 'unreachable', kind: 'refused', reason }),
      );
      return;
    }
    const { timeoutMs, signal } = request;
    const settle = (result: ExchangeResult): void => {
      if (!this.#open.delete(open)) return;
      timer.cancel();
      signal?.removeEventListener('abort', abort);
      resolve(result);
    };
    const lose = (reason: string): void => settle({ type: 'lost', kind: 'other', reason });
    const abort = (): void => lose('it was given up');
    const open: Open = {
      node,
      lose: (reason) => void client.schedule(refusalUs, eventKinds.client, () => lose(reason)),
    };
    const late: ExchangeResult = {
      type: 'lost',
      kind: 'timedOut',
      reason: `no answer came within ${timeoutMs} ms`,
    };
    const timer = client.schedule(timeoutMs * 1000, eventKinds.client, () => settle(late));
    this.#open.add(open);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    network.carry(client, node.process, () =>
      this.#servers.get(node)?.answer(request, (result) => {
        network.carry(node.process, client, () => settle(result));
      }),
    );
  }

  #openStream(
    client: SimulatedProcess,
    index: number,
    asked: { readonly path: string; readonly signal: AbortSignal },
    resolve: (opened: OpenedStream) => void,
  ): void {
    const node = this.#nodes[index];
    if (node === undefined || !node.process.isUp) {
      const reason = 'the connection was refused';
      client.schedule(refusalUs, eventKinds.client, () => resolve({ type: 'lost', reason }));
      return;
    }
    const stream = new ClientStream(this.#world, client, node, resolve, () => this.#open.delete(stream));
    this.#open.add(stream);
    const abort = (): void => stream.fail('it was given up');
    asked.signal.addEventListener('abort', abort, { once: true });
    if (asked.signal.aborted) abort();
    this.#world.network.carry(client, node.process, () => this.#beginStream(stream, node, asked.path));
  }

  #beginStream(stream: ClientStream, node: HostedNode, path: string): void {
    const request = this.#servers.get(node)?.readWatch(path);
    if (request?.ok !== true || node.node?.openWatch === undefined) return;
    const format = this.#format;
    stream.attach(
      node.node.openWatch(request.value, {
        begun: (begin) => stream.send(() => stream.begin(format.message({ kind: 'begin', ...begin }))),
        events: (events) => {
          const bytes = format.events(events);
          stream.send(() => stream.push(bytes));
        },
        ended: (end) => stream.send(() => stream.end(end, format.message({ kind: 'end', ...end }))),
      }),
    );
  }
}

/**
 * One stream from a node to a client, as a connection carries it: in order, and lost for good once something of it has
 * not come, because what comes later is never given in its place.
 */
class ClientStream implements Open {
  readonly node: HostedNode;
  readonly #world: VirtualWorld;
  readonly #client: SimulatedProcess;
  readonly #resolve: (opened: OpenedStream) => void;
  readonly #closed: () => void;
  readonly #body: StreamBody;
  #handle: WatchHandle | null = null;
  #silence: Timer;
  #sent = 0;
  #taken = 0;
  #hasBegun = false;
  #isOver = false;

  constructor(
    world: VirtualWorld,
    client: SimulatedProcess,
    node: HostedNode,
    resolve: (opened: OpenedStream) => void,
    closed: () => void,
  ) {
    this.#world = world;
    this.#client = client;
    this.node = node;
    this.#resolve = resolve;
    this.#closed = closed;
    this.#body = new StreamBody(() => this.#carryToNode(() => this.#handle?.more()));
    this.#silence = this.#listen();
  }

  attach(handle: WatchHandle): void {
    this.#handle = handle;
    if (this.#isOver) handle.close();
  }

  /** The node says something, which arrives if nothing before it was lost. */
  send(arrive: () => void): void {
    const number = this.#sent++;
    this.#world.network.carry(this.node.process, this.#client, () => {
      if (this.#isOver) return;
      if (number !== this.#taken) {
        this.fail('a part of the stream was lost');
        return;
      }
      this.#taken++;
      this.#silence.cancel();
      this.#silence = this.#listen();
      arrive();
    });
  }

  begin(bytes: Uint8Array): void {
    this.#hasBegun = true;
    this.#resolve({ type: 'stream', body: this.#body, close: () => this.fail('its reader has gone') });
    this.#body.push(bytes);
  }

  push(bytes: Uint8Array): void {
    this.#body.push(bytes);
  }

  end({ code, message, logStartOffset }: WatchEnd, bytes: Uint8Array): void {
    if (this.#hasBegun) this.#body.push(bytes);
    const details = logStartOffset === null ? {} : { details: { logStartOffset } };
    this.#finish(null, { type: 'problem', problem: makeProblem({ code, message, ...details }) });
  }

  lose(reason: string): void {
    this.#client.schedule(refusalUs, eventKinds.client, () => this.fail(reason));
  }

  fail(reason: string): void {
    this.#finish(new Error(reason), { type: 'lost', reason });
  }

  #finish(error: Error | null, unopened: OpenedStream): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#silence.cancel();
    this.#closed();
    if (!this.#hasBegun) this.#resolve(unopened);
    this.#body.end(error);
    this.#carryToNode(() => this.#handle?.close());
  }

  #carryToNode(deliver: () => void): void {
    this.#world.network.carry(this.#client, this.node.process, deliver);
  }

  #listen(): Timer {
    return this.#client.schedule(silenceUs, eventKinds.client, () => this.fail('the stream fell silent'));
  }
}
