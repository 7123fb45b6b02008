import { type BrokerId, brokerId } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { probeEndpointOf } from '../../metadata/resources/broker/probe-listener.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Probe, ProbeEndpoint, ProbeEvent, Prober } from '../../ports/prober.ts';
import type { BrokerSessions } from './broker-sessions.ts';

export type BrokerProbesOptions = {
  readonly prober: Prober;
  readonly clock: Clock;
  readonly sessions: BrokerSessions;
  /** For how long connections must be refused. */
  readonly graceMs: number;
  /** Calls back behind the heartbeats that wait already. */
  readonly afterHeartbeats: (look: () => void) => void;
  /** Its process is gone: its session is over, and it is to be fenced. */
  readonly gone: (broker: BrokerId) => void;
};

/** Connections that are refused within the grace, one after the other, before a process is taken for gone. */
const refusalsMin = 3;
/** Where a connection cannot be made, it is tried again after so long. */
const retryMs = 1_000;
/** A connection that stood for so long was taken by somebody who meant to keep it. */
const briefMs = 200;
/**
 * So many in a row may end sooner: the first of a process that ended soon, and one that its machine took after it had
 * closed that, and before it closed the port.
 */
const briefMax = 2;

/**
 * Which brokers' processes are gone, as their machines say it (protocols 5). The active controller holds an idle
 * connection to the probe port of each broker that is not fenced, which nobody but that incarnation listens on. When
 * a process ends its machine closes the connection and refuses every other; when a process merely stands still, or
 * its network fails, neither happens.
 *
 *   connecting ──opened──▶ proved ──closed──▶ suspected ──refused throughout the grace, and unheard──▶ gone
 *       ▲                     ▲                  │  │
 *       └──── after a pause ──┼──────────────────┘  │ failed, heard twice, or not the only one
 *                             └──────────opened─────┘
 *
 * Invariants
 * 1. A broker is suspected only where a connection to its probe port, of this incarnation and from this node, was
 *    open before: what refuses connections in general, as a firewall does, says nothing, nor does what takes them and
 *    lets go of them again and again, as a proxy does.
 * 2. A broker is gone only when its connection was closed, at least three connections and all that were tried were
 *    refused throughout the grace, and no heartbeat was heard since it was closed. A heartbeat may have been on its way
 *    when the process ended: where one is heard the grace begins anew, once.
 * 3. One at a time, and in a session timeout fewer than half of the brokers, or one: where several are suspected at
 *    once, or so many have gone and have not come back, the session timeout alone decides. What breaks many
 *    connections is hardly many processes that ended. One that has come back has proved that its process had ended.
 * 4. It is only told here. What follows takes effect as a record (design 11).
 */
export class BrokerProbes {
  readonly #options: BrokerProbesOptions;
  readonly #probed = new Map<number, Probed>();
  #brokers: MetadataImage['broker']['brokers'] | null = null;
  /** When each broker was gone that has not come back since, under a later registration. */
  readonly #gone = new Map<number, Gone>();

  constructor(options: BrokerProbesOptions) {
    this.#options = options;
  }

  /** The committed state; called with each one. */
  follow(image: MetadataImage): void {
    const { brokers } = image.broker;
    if (brokers === this.#brokers) return;
    this.#brokers = brokers;
    const wanted = new Set<number>();
    for (const row of brokers.values()) {
      const gone = this.#gone.get(row.brokerId);
      if (gone !== undefined && row.fenced) gone.isFenced = true;
      const endpoint = row.fenced ? null : probeEndpointOf(row.endPoints);
      if (endpoint === null) continue;
      wanted.add(row.brokerId);
      const known = this.#probed.get(row.brokerId);
      if (known?.brokerEpoch === row.brokerEpoch) continue;
      if (gone?.brokerEpoch !== row.brokerEpoch) this.#gone.delete(row.brokerId);
      // Its fence is on its way.
      else if (!gone.isFenced) continue;
      if (known !== undefined) release(known);
      this.#begin(row.brokerId, row.brokerEpoch, endpoint);
    }
    for (const [id, probed] of this.#probed) {
      if (wanted.has(id)) continue;
      release(probed);
      this.#probed.delete(id);
    }
  }

  close(): void {
    for (const probed of this.#probed.values()) release(probed);
    this.#probed.clear();
  }

  #begin(id: number, brokerEpoch: number, endpoint: ProbeEndpoint): void {
    const probed: Probed = {
      id,
      brokerEpoch,
      endpoint,
      probe: null,
      timer: null,
      openedMs: 0,
      briefCount: 0,
      suspicion: null,
    };
    this.#probed.set(id, probed);
    this.#connect(probed);
  }

  #connect(probed: Probed): void {
    probed.timer = null;
    const probe = this.#options.prober.connect(probed.endpoint, (event) => {
      if (probed.probe === probe && this.#isHeld(probed)) this.#told(probed, event);
    });
    probed.probe = probe;
  }

  #isHeld(probed: Probed): boolean {
    return this.#probed.get(probed.id) === probed;
  }

  #told(probed: Probed, event: ProbeEvent): void {
    switch (event) {
      case 'opened':
        probed.openedMs = this.#options.clock.monotonicMs();
        probed.suspicion = null;
        return;
      case 'closed':
        if (this.#isLetGoAgain(probed)) return this.#standDown(probed);
        coverageMark('broker probe: the connection breaks');
        probed.suspicion = this.#suspicion(false);
        return this.#connect(probed);
      case 'refused':
        return this.#refused(probed);
      case 'failed':
        return this.#standDown(probed);
    }
  }

  #isLetGoAgain(probed: Probed): boolean {
    const isBrief = this.#options.clock.monotonicMs() - probed.openedMs < briefMs;
    probed.briefCount = isBrief ? probed.briefCount + 1 : 0;
    return probed.briefCount > briefMax;
  }

  #suspicion(wasHeard: boolean): Suspicion {
    return { sinceMs: this.#options.clock.monotonicMs(), refusals: 0, wasHeard };
  }

  #refused(probed: Probed): void {
    const { suspicion } = probed;
    if (suspicion === null) return this.#connectLater(probed, retryMs);
    suspicion.refusals++;
    const { clock, graceMs, afterHeartbeats } = this.#options;
    const isOver = clock.monotonicMs() - suspicion.sinceMs >= graceMs;
    if (!isOver || suspicion.refusals < refusalsMin) {
      return this.#connectLater(probed, Math.ceil(graceMs / refusalsMin));
    }
    probed.probe = null;
    afterHeartbeats(() => {
      if (this.#isHeld(probed) && probed.suspicion === suspicion) this.#decide(probed, suspicion);
    });
  }

  #decide(probed: Probed, { sinceMs, wasHeard }: Suspicion): void {
    const { clock, sessions, gone } = this.#options;
    const nowMs = clock.monotonicMs();
    const id = brokerId(probed.id);
    const suspected = [...this.#probed.values()].filter(({ suspicion }) => suspicion !== null);
    if (suspected.length > 1) {
      coverageMark('broker probe: several are suspected at once');
      for (const each of suspected) this.#standDown(each);
    } else if (sessions.wasHeardSince(id, sinceMs)) {
      coverageMark('broker probe: it is heard all the same');
      if (wasHeard) return this.#standDown(probed);
      probed.suspicion = this.#suspicion(true);
      this.#connect(probed);
    } else if (!this.#mayGo(nowMs)) {
      coverageMark('broker probe: too many are gone');
      this.#standDown(probed);
    } else {
      coverageMark('broker probe: its process is gone');
      this.#gone.set(probed.id, { brokerEpoch: probed.brokerEpoch, goneMs: nowMs, isFenced: false });
      this.#probed.delete(probed.id);
      gone(id);
    }
  }

  #mayGo(nowMs: number): boolean {
    const { sessionTimeoutMs } = this.#options.sessions;
    for (const [id, { goneMs }] of this.#gone) if (nowMs - goneMs >= sessionTimeoutMs) this.#gone.delete(id);
    const brokers = this.#probed.size + this.#gone.size;
    return this.#gone.size === 0 || 2 * (this.#gone.size + 1) < brokers;
  }

  /** The session timeout decides; a connection that can be made again proves it again. */
  #standDown(probed: Probed): void {
    probed.suspicion = null;
    this.#connectLater(probed, retryMs);
  }

  #connectLater(probed: Probed, delayMs: number): void {
    release(probed);
    probed.timer = this.#options.clock.setTimer(delayMs, () => {
      if (this.#isHeld(probed)) this.#connect(probed);
    });
  }
}

/** `wasHeard`: a heartbeat has begun its grace anew already. */
type Suspicion = { readonly sinceMs: number; refusals: number; readonly wasHeard: boolean };

/** One that was told to be gone; `isFenced` once the state says so. */
type Gone = { readonly brokerEpoch: number; readonly goneMs: number; isFenced: boolean };

type Probed = {
  readonly id: number;
  readonly brokerEpoch: number;
  readonly endpoint: ProbeEndpoint;
  probe: Probe | null;
  timer: Timer | null;
  openedMs: number;
  /** So many of its connections, up to the last, were let go of at once. */
  briefCount: number;
  /** Null unless its connection was closed. */
  suspicion: Suspicion | null;
};

function release(probed: Probed): void {
  probed.probe?.close();
  probed.probe = null;
  probed.timer?.cancel();
  probed.timer = null;
}
