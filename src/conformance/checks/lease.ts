import type { Check } from '../check.ts';
import { isAcknowledged, shownRecords } from '../data/broker-data.ts';
import type { DataCluster, KitTopic } from '../data/cluster.ts';
import type { Kit } from '../kit.ts';
import { Inconclusive, RuleBroken } from '../verdict.ts';
import { pause } from '../waiting.ts';

/** What is asked for so long after a lease must have been over was asked for without one. */
const marginMs = 20;
/** An answer of the gateway's has reached the broker by then, or takes as long as a broker should notice. */
const answerMarginMs = 150;
const probeEveryMs = 30;

const leaseLookedAt: Check = {
  rule: 'lease-looked-at',
  needsData: true,
  run: async (kit) => {
    const { gateway, data, sessionTimeoutMs } = kit;
    const topic = await data.createLed([]);
    await data.fill(topic, 1);
    gateway.holdMetadata();
    gateway.treat('heartbeat', { type: 'silence' });
    await untilOver(kit);
    const demanded = 'Without a lease nothing is acknowledged and nothing is shown to readers.';
    const silent = `No heartbeat was answered for ${sessionTimeoutMs} ms, the session timeout, and it`;
    const produced = await data.produce(topic, '1');
    if (isAcknowledged(produced)) throw new RuleBroken(demanded, `${silent} acknowledged a record.`);
    const read = await data.broker.read(topic.name, 0);
    if (shownRecords(read) > 0) throw new RuleBroken(demanded, `${silent} showed a record to a reader.`);
  },
};

/** Whichever way a lease is counted, and however long an answer was under way, it is over by then. */
async function untilOver({ gateway, sessionTimeoutMs }: Kit): Promise<void> {
  const begunMs = performance.now();
  const lastAnswerMs = (): number =>
    Math.max(begunMs, ...gateway.of('heartbeat').map(({ answer }) => answer?.atMs ?? 0));
  const leftMs = (): number => lastAnswerMs() + sessionTimeoutMs * 1.25 - performance.now();
  while (leftMs() > 0) await pause(leftMs());
}

/** So long an answer takes, as part of a session: less than anybody waits. */
const answerShare = 0.45;
const leaseShare = 0.94;

const leaseFromSending: Check = {
  rule: 'lease-from-sending',
  needsData: true,
  after: 'lease-looked-at',
  run: async (kit) => {
    const { gateway, data, sessionTimeoutMs } = kit;
    const topic = await data.createLed([]);
    gateway.holdMetadata();
    let heartbeats = 0;
    gateway.treat('heartbeat', () =>
      heartbeats++ === 0
        ? { type: 'delay', until: pause(sessionTimeoutMs * answerShare) }
        : { type: 'silence' },
    );
    gateway.requests = [];
    const last = await kit.expect('A heartbeat', () =>
      gateway.of('heartbeat').find(({ answer }) => answer !== null),
    );
    const answeredAtMs = last.answer?.atMs ?? 0;
    await probe(data, topic, {
      overAtMs: last.arrivedAtMs + sessionTimeoutMs + marginMs,
      untilMs: answeredAtMs + sessionTimeoutMs * leaseShare - marginMs,
      demanded: 'A lease counts from the moment in which the heartbeat was sent.',
      seen: `The answer to a heartbeat took ${Math.floor(answeredAtMs - last.arrivedAtMs)} ms, and it was the last one. ${sessionTimeoutMs} ms after the heartbeat had come the broker acknowledged a record.`,
    });
  },
};

const leaseFollowsTheLeader: Check = {
  rule: 'lease-follows-the-leader',
  needsData: true,
  after: 'lease-looked-at',
  run: async (kit) => {
    const { gateway, data, sessionTimeoutMs } = kit;
    const topic = await data.createLed([]);
    const shorter = Math.floor(sessionTimeoutMs / 2);
    gateway.holdMetadata();
    let heartbeats = 0;
    gateway.treat('heartbeat', () =>
      heartbeats++ === 0
        ? { type: 'rewrite', change: (answer) => ({ ...answer, sessionTimeoutMs: shorter }) }
        : { type: 'silence' },
    );
    gateway.requests = [];
    const last = await kit.expect('A heartbeat', () =>
      gateway.of('heartbeat').find(({ answer }) => answer !== null),
    );
    await probe(data, topic, {
      // By the answer: from when a lease counts is another rule.
      overAtMs: (last.answer?.atMs ?? 0) + shorter + answerMarginMs,
      untilMs: last.arrivedAtMs + sessionTimeoutMs * leaseShare - marginMs,
      demanded: 'A lease goes by the session timeout of the acknowledgement that gave it.',
      seen: `The last acknowledgement named ${shorter} ms, and later than that the broker acknowledged a record.`,
    });
  },
};

type Window = {
  /** No lease is held from here on. */
  readonly overAtMs: number;
  /** A broker that breaks the rule holds one until then. */
  readonly untilMs: number;
  readonly demanded: string;
  readonly seen: string;
};

async function probe(data: DataCluster, topic: KitTopic, window: Window): Promise<void> {
  await pause(window.overAtMs - performance.now());
  let answered = 0;
  while (performance.now() < window.untilMs) {
    const answer = await data.produce(topic, '1', 200);
    if (isAcknowledged(answer) && answer.sentAtMs >= window.overAtMs) {
      throw new RuleBroken(window.demanded, window.seen);
    }
    if (answer.status !== 0 && answer.answeredAtMs < window.untilMs) answered += 1;
    await pause(probeEveryMs);
  }
  if (answered === 0) throw new Inconclusive('The broker was not asked in time.');
}

const fencedAtFirst: Check = {
  rule: 'fenced-at-first',
  needsData: true,
  run: async (kit) => {
    const { gateway, data } = kit;
    const topic = await data.createLed([]);
    await data.fill(topic, 1);
    gateway.requests = [];
    gateway.treat('heartbeat', { type: 'rewrite', change: (answer) => ({ ...answer, isFenced: true }) });
    // It has heard by then what the first of them was answered.
    await kit.expect('Heartbeats', () => gateway.of('heartbeat').length >= 4 || undefined);
    const demanded = 'A fenced broker neither leads, nor acknowledges, nor serves anybody.';
    const produced = await data.produce(topic, '1');
    if (isAcknowledged(produced)) {
      throw new RuleBroken(
        demanded,
        'Its heartbeats were answered that it is fenced, and it acknowledged a record.',
      );
    }
    if (shownRecords(await data.broker.read(topic.name, 0)) > 0) {
      throw new RuleBroken(
        demanded,
        'Its heartbeats were answered that it is fenced, and it showed a record.',
      );
    }
  },
};

export const leaseChecks: readonly Check[] = [
  leaseLookedAt,
  leaseFromSending,
  leaseFollowsTheLeader,
  fencedAtFirst,
];
