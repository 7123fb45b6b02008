import { describe, expect, it } from 'vitest';
import { brokerId, type Uuid } from '../../src/base/brands.ts';
import type { ProbeEvent } from '../../src/ports/prober.ts';
import { BrokerProbes } from '../../src/runtime/sessions/broker-probes.ts';
import { BrokerSessions } from '../../src/runtime/sessions/broker-sessions.ts';
import { incarnationId, TestCluster } from '../metadata/cluster.ts';
import { VirtualProcess } from './support/clock.ts';

const graceMs = 300;
const sessionTimeoutMs = 9_000;

/** Brokers that show by a port that they live; what becomes of connections to it is told by hand. */
class Probed extends VirtualProcess {
  readonly cluster = new TestCluster();
  readonly sessions = new BrokerSessions(sessionTimeoutMs);
  readonly gone: number[] = [];
  readonly #told = new Map<number, (event: ProbeEvent) => void>();
  /** How many connections to each broker were begun. */
  readonly connections = new Map<number, number>();
  readonly probes = new BrokerProbes({
    prober: {
      connect: ({ port }, told) => {
        this.#told.set(port, told);
        this.connections.set(port, (this.connections.get(port) ?? 0) + 1);
        return { close: () => void this.#told.delete(port) };
      },
    },
    clock: this.clock,
    sessions: this.sessions,
    graceMs,
    afterHeartbeats: (look) => look(),
    gone: (broker) => void this.gone.push(broker),
  });

  /** A broker's port is its id. */
  start(...started: (number | { readonly id: number; readonly incarnationId: Uuid })[]): this {
    const ids = started.map((each) => (typeof each === 'number' ? each : each.id));
    for (const each of started) {
      const { id, ...own } = typeof each === 'number' ? { id: each } : each;
      const listeners = [{ name: 'PROBE', host: 'localhost', port: id }];
      this.cluster.ok('registerBroker', { body: { ...this.cluster.registration(id), ...own, listeners } });
      this.cluster.heartbeat(id);
    }
    this.sessions.startAfresh(ids.map(brokerId), this.clock.monotonicMs());
    this.probes.follow(this.cluster.image);
    this.run(10);
    return this;
  }

  wait(forMs: number): this {
    this.run(forMs);
    return this;
  }

  tell(id: number, ...events: readonly ProbeEvent[]): this {
    for (const event of events) this.#told.get(id)?.(event);
    return this;
  }

  /** Every connection is refused for so long. */
  refuse(id: number, forMs: number): this {
    for (let atMs = 0; atMs < forMs; atMs += 20) {
      this.tell(id, 'refused');
      this.run(20);
    }
    return this;
  }

  isConnecting(id: number): boolean {
    return this.#told.has(id);
  }
}

describe('the probes of brokers', () => {
  it('tell that a process is gone whose connection was closed and which is refused throughout the grace', () => {
    const probed = new Probed().start(1).tell(1, 'opened').wait(1_000);
    probed.tell(1, 'closed').refuse(1, graceMs - 100);
    expect(probed.gone).toEqual([]);
    probed.refuse(1, 200);
    expect(probed.gone).toEqual([1]);
  });

  it('take a connection that the machine opens while the process ends for no sign of life', () => {
    const probed = new Probed().start(1);
    probed.tell(1, 'opened', 'closed', 'opened', 'closed').refuse(1, graceMs + 100);
    expect(probed.gone).toEqual([1]);
  });

  it('do not suspect a broker that they have never reached: something else refuses connections', () => {
    const probed = new Probed().start(1).refuse(1, 5_000);
    expect(probed.gone).toEqual([]);
    expect(probed.connections.get(1)).toBeGreaterThan(3);
  });

  it('trust a connection that can be made again', () => {
    const probed = new Probed().start(1).tell(1, 'opened').wait(1_000);
    probed.tell(1, 'closed').refuse(1, graceMs - 100);
    probed.tell(1, 'opened').refuse(1, 0);
    probed.run(10_000);
    expect(probed.gone).toEqual([]);
  });

  it('leave it to the session where a connection fails without being refused', () => {
    const probed = new Probed().start(1);
    probed.tell(1, 'opened', 'closed', 'failed').refuse(1, 5_000);
    expect(probed.gone).toEqual([]);
  });

  it('leave it to the session where the broker is heard again and again', () => {
    const probed = new Probed().start(1).tell(1, 'opened').wait(1_000);
    probed.tell(1, 'closed');
    for (let at = 0; at < 50; at++) {
      probed.sessions.heard(brokerId(1), null, probed.clock.monotonicMs());
      probed.refuse(1, 100);
    }
    expect(probed.gone).toEqual([]);
  });

  it('begin the grace anew for a heartbeat that was on its way when the process ended', () => {
    const probed = new Probed().start(1).tell(1, 'opened').wait(1_000);
    probed.tell(1, 'closed').refuse(1, 100);
    probed.sessions.heard(brokerId(1), null, probed.clock.monotonicMs());
    probed.refuse(1, graceMs + 100);
    expect(probed.gone).toEqual([]);
    probed.refuse(1, graceMs);
    expect(probed.gone).toEqual([1]);
  });

  it('leave it to the session where several are suspected at once', () => {
    const probed = new Probed().start(1, 2).tell(1, 'opened').tell(2, 'opened').wait(1_000);
    probed.tell(1, 'closed').tell(2, 'closed');
    for (let at = 0; at < 50; at++) probed.refuse(1, 20).refuse(2, 20);
    expect(probed.gone).toEqual([]);
  });

  it('tell of fewer than half of the brokers in a session timeout, or of one', () => {
    for (const [brokers, told] of [
      [2, 1],
      [4, 1],
      [5, 2],
      [7, 3],
    ] as const) {
      const ids = Array.from({ length: brokers }, (_, at) => at + 1);
      const probed = new Probed().start(...ids);
      for (const id of ids) probed.tell(id, 'opened');
      probed.run(1_000);
      for (const id of ids.slice(0, told + 1)) probed.tell(id, 'closed').refuse(id, 400);
      expect(probed.gone).toEqual(ids.slice(0, told));
      if (told + 1 === brokers) continue;
      probed.run(sessionTimeoutMs);
      probed.tell(brokers, 'closed').refuse(brokers, 400);
      expect(probed.gone).toEqual([...ids.slice(0, told), brokers]);
    }
  });

  it('do not count a broker that has come back: its process had ended', () => {
    const probed = new Probed().start(1, 2, 3);
    for (let round = 0; round < 3; round++) {
      probed.tell(1, 'opened').wait(1_000);
      probed.tell(1, 'closed').refuse(1, 400);
      probed.cluster.heartbeat(1, { wantFence: true });
      probed.probes.follow(probed.cluster.image);
      probed.cluster.live.delete(1);
      probed.start({ id: 1, incarnationId: incarnationId(100 + round) });
    }
    expect(probed.gone).toEqual([1, 1, 1]);
  });

  it('count one that is gone until it has come back, and not before its fence is in the log', () => {
    const probed = new Probed().start(1, 2, 3);
    for (const id of [1, 2, 3]) probed.tell(id, 'opened');
    probed.wait(1_000);
    probed.tell(1, 'closed').refuse(1, 400);
    // Of another broker something is committed first.
    probed.cluster.start(4);
    probed.probes.follow(probed.cluster.image);
    const tried = probed.connections.get(1);
    probed.wait(2_000);
    expect(probed.connections.get(1)).toBe(tried);
    probed.tell(2, 'closed').refuse(2, 400);
    expect(probed.gone).toEqual([1]);
    // It was no more than a false alarm: it is probed again, and counts still.
    probed.cluster.heartbeat(1, { wantFence: true });
    probed.probes.follow(probed.cluster.image);
    probed.cluster.heartbeat(1);
    probed.probes.follow(probed.cluster.image);
    expect(probed.isConnecting(1)).toBe(true);
    probed.tell(3, 'closed').refuse(3, 400);
    expect(probed.gone).toEqual([1]);
  });

  it('leave it to the session where connections are taken and let go again and again, and do not ask at once then', () => {
    const probed = new Probed().start(1);
    for (let at = 0; at < 10; at++) probed.tell(1, 'opened', 'closed').wait(500);
    expect(probed.connections.get(1)).toBeLessThanOrEqual(8);
    probed.refuse(1, 5_000);
    expect(probed.gone).toEqual([]);
  });

  it('hold no connection to a broker that is fenced, and another to its next incarnation', () => {
    const probed = new Probed().start(1);
    expect(probed.isConnecting(1)).toBe(true);
    probed.cluster.heartbeat(1, { wantFence: true });
    probed.probes.follow(probed.cluster.image);
    expect(probed.isConnecting(1)).toBe(false);
    probed.cluster.heartbeat(1);
    probed.probes.follow(probed.cluster.image);
    expect([probed.isConnecting(1), probed.connections.get(1)]).toEqual([true, 2]);
  });

  it('tell nothing once they are closed', () => {
    const probed = new Probed().start(1).tell(1, 'opened').wait(1_000);
    probed.tell(1, 'closed');
    probed.probes.close();
    probed.refuse(1, 1_000);
    expect(probed.gone).toEqual([]);
  });
});
