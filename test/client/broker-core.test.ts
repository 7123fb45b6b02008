import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import {
  BrokerCore,
  defaultBrokerCoreConfig,
  leaseDurationMs,
  type BrokerEffect,
  type BrokerStep,
  type HeartbeatResult,
} from '../../src/client/broker-core.ts';

const sessionTimeoutMs = 9_000;
const leaseMs = leaseDurationMs(sessionTimeoutMs);

type Acknowledgement = Extract<HeartbeatResult, { readonly type: 'acknowledged' }>;

const unfenced: Acknowledgement = {
  type: 'acknowledged',
  isFenced: false,
  shouldShutDown: false,
  sessionTimeoutMs,
};

class Driven {
  readonly core = new BrokerCore(defaultBrokerCoreConfig, seededRandom(3));
  readonly seen: BrokerEffect[] = [];
  nextWakeAtMs: number | null = null;

  take(step: BrokerStep): readonly BrokerEffect[] {
    this.seen.push(...step.effects);
    this.nextWakeAtMs = step.nextWakeAtMs;
    return step.effects;
  }

  /** The last request that was sent, of either kind. */
  get request() {
    const sent = this.seen.filter((effect) => effect.type === 'register' || effect.type === 'heartbeat');
    const last = sent.at(-1);
    if (last === undefined) throw new Error('nothing was sent');
    return last;
  }

  registered(nowMs: number, brokerEpoch = 5): readonly BrokerEffect[] {
    const result = { type: 'registered', brokerEpoch } as const;
    return this.take(this.core.registrationCompleted(this.request.requestId, result, nowMs));
  }

  acknowledged(nowMs: number, changes: Partial<Acknowledgement> = {}): readonly BrokerEffect[] {
    const result = { ...unfenced, ...changes };
    return this.take(this.core.heartbeatCompleted(this.request.requestId, result, nowMs));
  }

  refused(code: string, nowMs: number, retryable = false): readonly BrokerEffect[] {
    const refusal = { type: 'refused', code, message: code, retryable, retryAfterMs: null } as const;
    const { request } = this;
    return request.type === 'register'
      ? this.take(this.core.registrationCompleted(request.requestId, refusal, nowMs))
      : this.take(this.core.heartbeatCompleted(request.requestId, refusal, nowMs));
  }

  wake(nowMs: number): readonly BrokerEffect[] {
    return this.take(this.core.wake(nowMs));
  }
}

function active(): Driven {
  const driven = new Driven();
  driven.take(driven.core.start(0));
  driven.registered(10);
  driven.acknowledged(20);
  return driven;
}

const types = (effects: readonly BrokerEffect[]) => effects.map((effect) => effect.type);

describe('a broker’s agent', () => {
  it('registers, asks to be unfenced at once, and holds its lease from then on', () => {
    const driven = active();
    expect(types(driven.seen)).toEqual([
      'register',
      'stateChanged',
      'heartbeat',
      'stateChanged',
      'leaseGranted',
    ]);
    expect(driven.core.state).toBe('active');
    expect(driven.core.brokerEpoch).toBe(5);
    expect(driven.core.holdsLease(20)).toBe(true);
  });

  it('asks again soon while the controller keeps it fenced', () => {
    const driven = new Driven();
    driven.take(driven.core.start(0));
    driven.registered(10);
    driven.acknowledged(20, { isFenced: true });
    expect(driven.core.holdsLease(20)).toBe(false);
    expect(driven.nextWakeAtMs).toBe(10 + defaultBrokerCoreConfig.eagerHeartbeatIntervalMs);
  });

  it('asks at once when it has taken in its own registration, and waits for an answer that is under way', () => {
    const driven = new Driven();
    driven.take(driven.core.start(0));
    driven.registered(10);
    expect(types(driven.take(driven.core.caughtUp(15)))).toEqual([]);
    driven.acknowledged(20, { isFenced: true });
    expect(types(driven.take(driven.core.caughtUp(30)))).toEqual(['heartbeat']);
    driven.acknowledged(40);
    // It is unfenced: what it has read since is not urgent.
    expect(types(driven.take(driven.core.caughtUp(50)))).toEqual([]);
  });

  it('knows how long its lease holds without another acknowledgement', () => {
    const driven = active();
    expect(driven.core.leaseRemainingMs(110)).toBe(10 + leaseMs - 110);
    driven.wake(10 + leaseMs);
    expect(driven.core.leaseRemainingMs(10 + leaseMs)).toBe(0);
  });

  it('fences itself counted from the SENDING of the last acknowledged heartbeat', () => {
    const driven = active();
    driven.wake(2_010);
    expect(driven.request).toMatchObject({ type: 'heartbeat', requestId: 2 });
    driven.acknowledged(3_500);
    expect(driven.core.holdsLease(2_010 + leaseMs - 1)).toBe(true);
    expect(driven.core.holdsLease(2_010 + leaseMs)).toBe(false);
    const effects = driven.wake(2_010 + leaseMs);
    expect(types(effects)).toContain('leaseLost');
    expect(driven.core.state).toBe('fenced');
  });

  it('follows the session timeout of the leader that acknowledged last, be it longer or shorter', () => {
    const driven = active();
    driven.wake(2_010);
    driven.acknowledged(2_020, { sessionTimeoutMs: 30_000 });
    expect(driven.core.holdsLease(2_010 + leaseDurationMs(30_000) - 1)).toBe(true);
    expect(driven.core.holdsLease(2_010 + leaseDurationMs(30_000))).toBe(false);
    driven.wake(4_010);
    driven.acknowledged(4_020, { sessionTimeoutMs: 3_000 });
    // The leader of now may replace it after its own three seconds, whatever an earlier one had promised.
    expect(driven.core.holdsLease(4_010 + leaseDurationMs(3_000) - 1)).toBe(true);
    expect(driven.core.holdsLease(4_010 + leaseDurationMs(3_000))).toBe(false);
    // And several heartbeats fit into them.
    expect(driven.nextWakeAtMs).toBe(4_010 + 750);
  });

  it('gives its lease up at once when a leader with a shorter timeout answers too late for it', () => {
    const driven = active();
    driven.wake(2_010);
    const effects = driven.acknowledged(2_010 + 1_500, { sessionTimeoutMs: 1_000 });
    expect(types(effects)).toContain('leaseLost');
    expect(driven.core.state).toBe('fenced');
  });

  it('is unfenced again, under the same epoch, by the next acknowledgement', () => {
    const driven = active();
    driven.wake(20 + leaseMs);
    expect(driven.core.state).toBe('fenced');
    const effects = driven.acknowledged(20 + leaseMs + 1);
    expect(types(effects)).toContain('leaseGranted');
    expect(driven.core.brokerEpoch).toBe(5);
  });

  it('takes no lease from an acknowledgement that comes after its end', () => {
    const driven = new Driven();
    const patient = new BrokerCore({ ...defaultBrokerCoreConfig, requestTimeoutMs: 60_000 }, seededRandom(1));
    Object.defineProperty(driven, 'core', { value: patient });
    driven.take(patient.start(0));
    driven.registered(10);
    expect(types(driven.acknowledged(10 + leaseMs))).not.toContain('leaseGranted');
    expect(patient.state).toBe('fenced');
    expect(patient.holdsLease(10 + leaseMs)).toBe(false);
  });

  it('gives the lease up at once when the controller says that it is fenced', () => {
    const driven = active();
    driven.wake(2_020);
    expect(types(driven.acknowledged(2_030, { isFenced: true }))).toEqual(['leaseLost', 'stateChanged']);
  });

  it.each(['STALE_BROKER_EPOCH', 'BROKER_ID_NOT_REGISTERED'])('registers again on %s', (code) => {
    const driven = active();
    driven.wake(2_020);
    expect(types(driven.refused(code, 2_030))).toEqual(['leaseLost', 'stateChanged', 'register']);
    expect(driven.core.brokerEpoch).toBeNull();
    driven.registered(2_040, 9);
    driven.acknowledged(2_050);
    expect(driven.core.brokerEpoch).toBe(9);
    expect(driven.seen.at(-1)).toEqual({ type: 'leaseGranted', brokerEpoch: 9 });
  });

  it('waits and tries again while another incarnation holds its id', () => {
    const driven = new Driven();
    driven.take(driven.core.start(0));
    const effects = driven.refused('DUPLICATE_BROKER_REGISTRATION', 10, true);
    expect(effects).toMatchObject([{ type: 'retrying', code: 'DUPLICATE_BROKER_REGISTRATION' }]);
    expect(driven.nextWakeAtMs).toBeGreaterThan(10);
    expect(types(driven.wake(driven.nextWakeAtMs ?? 0))).toEqual(['register']);
  });

  it('registers again when nobody knows whether it was registered', () => {
    const driven = new Driven();
    driven.take(driven.core.start(0));
    expect(types(driven.refused('OUTCOME_UNKNOWN', 10))).toEqual(['retrying']);
  });

  it('stops on an error that does not pass, and says which', () => {
    const driven = new Driven();
    driven.take(driven.core.start(0));
    const effects = driven.refused('INCONSISTENT_CLUSTER_ID', 10);
    expect(effects.at(-1)).toMatchObject({ type: 'stopped', failure: { code: 'INCONSISTENT_CLUSTER_ID' } });
    expect(driven.nextWakeAtMs).toBeNull();
  });

  it('sends the next heartbeat soon after one was not answered, not an interval later', () => {
    const driven = active();
    driven.wake(2_020);
    driven.wake(2_020 + defaultBrokerCoreConfig.requestTimeoutMs);
    expect(driven.nextWakeAtMs).toBeLessThanOrEqual(2_020 + defaultBrokerCoreConfig.requestTimeoutMs + 50);
  });

  it('ignores the answer to a request that it no longer waits for', () => {
    const driven = active();
    driven.wake(2_020);
    const late = driven.request.requestId;
    driven.wake(4_020);
    const before = driven.core.state;
    const result = { ...unfenced, isFenced: true };
    driven.take(driven.core.heartbeatCompleted(late, result, 4_030));
    expect(driven.core.state).toBe(before);
    expect(driven.core.holdsLease(4_030)).toBe(true);
  });

  it('leaves when the controller has moved what it led, and keeps its lease until then', () => {
    const driven = active();
    driven.take(driven.core.shutdownRequested(30_000, 100));
    expect(driven.request).toMatchObject({ type: 'heartbeat', wantShutDown: true });
    driven.acknowledged(110);
    expect(driven.core.holdsLease(110)).toBe(true);
    driven.wake(driven.nextWakeAtMs ?? 0);
    const effects = driven.acknowledged(400, { shouldShutDown: true });
    expect(effects).toMatchObject([
      { type: 'leaseLost' },
      { type: 'stateChanged', to: 'stopped' },
      { type: 'stopped', isControlled: true },
    ]);
  });

  it('leaves at its deadline although the controller has not allowed it', () => {
    const driven = active();
    driven.take(driven.core.shutdownRequested(1_000, 100));
    driven.acknowledged(110);
    expect(driven.wake(1_000).at(-1)).toMatchObject({ type: 'stopped', isControlled: false });
  });

  it('stops at once when it was not registered yet', () => {
    const driven = new Driven();
    driven.take(driven.core.start(0));
    driven.take(driven.core.shutdownRequested(30_000, 5));
    expect(driven.core.state).toBe('stopped');
    expect(driven.registered(10)).toEqual([]);
  });

  it('never believes itself unfenced longer than the controller does, whatever is lost or late', () => {
    const events = fc.array(
      fc.record({
        afterMs: fc.nat({ max: 4_000 }),
        sessionTimeoutMs: fc.constantFrom(1_000, 3_000, 9_000, 20_000),
        what: fc.constantFrom('ack', 'ack', 'ack', 'fenced', 'silence', 'stale', 'busy'),
      }),
      { maxLength: 60, size: 'max' },
    );
    fc.assert(
      fc.property(events, (script) => {
        const driven = active();
        let nowMs = 20;
        let lastAcknowledgedSentMs = 10;
        let answered: BrokerEffect | null = null;
        let timeoutMs: number = unfenced.sessionTimeoutMs;
        for (const { afterMs, what, sessionTimeoutMs } of script) {
          nowMs += afterMs;
          driven.wake(nowMs);
          const isReplaceable = nowMs >= lastAcknowledgedSentMs + timeoutMs;
          expect(driven.core.holdsLease(nowMs) && isReplaceable).toBe(false);
          const { request } = driven;
          // A request that was answered may still be the last effect.
          const isOutstanding = driven.seen.at(-1) === request && request !== answered;
          if (!isOutstanding || request.type === 'register') {
            if (request.type === 'register') driven.registered(nowMs, nowMs);
            continue;
          }
          const sentMs = nowMs;
          nowMs += afterMs % 1_999;
          if (what !== 'silence') answered = request;
          if (what === 'ack' || what === 'fenced') {
            timeoutMs = sessionTimeoutMs;
            driven.acknowledged(nowMs, { isFenced: what === 'fenced', sessionTimeoutMs });
            lastAcknowledgedSentMs = sentMs;
          } else if (what === 'stale') driven.refused('STALE_BROKER_EPOCH', nowMs);
          else if (what === 'busy') driven.refused('NOT_CONTROLLER', nowMs, true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
