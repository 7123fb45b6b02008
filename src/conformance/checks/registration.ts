import type { Check } from '../check.ts';
import { isAcknowledged } from '../data/broker-data.ts';
import type { KitTopic } from '../data/cluster.ts';
import type { SeenRequest } from '../gateway/seen-request.ts';
import { type Kit, isUnfenced } from '../kit.ts';
import { Inconclusive, RuleBroken } from '../verdict.ts';
import { patienceMs, pause } from '../waiting.ts';

const stale = {
  type: 'refuse',
  code: 'STALE_BROKER_EPOCH',
  message: 'The conformance kit says that this registration counts no more.',
} as const;

/** Heartbeats say that the registration counts no more, until one registers again. */
export function loseRegistration({ gateway }: Kit): void {
  gateway.treat('heartbeat', () => (gateway.of('register').length === 0 ? stale : { type: 'pass' }));
}

const registerOnce: Check = {
  rule: 'register-once',
  run: async (kit) => {
    const { gateway } = kit;
    const before = (await register(kit)).body['incarnationId'];
    gateway.clear();
    loseRegistration(kit);
    let lost = 0;
    gateway.treat('register', () => (lost++ === 0 ? { type: 'lose' } : { type: 'pass' }));
    const [first, second] = await kit.expect('A registration that is repeated', () => {
      const seen = gateway.of('register');
      return seen.length >= 2 ? seen : undefined;
    });
    for (const registration of [first, second]) {
      if (registration?.body['incarnationId'] === before) continue;
      throw new RuleBroken(
        'A process keeps its incarnation id for as long as it runs.',
        `It registered as incarnation ${String(before)}, and again as ${String(registration?.body['incarnationId'])}.`,
      );
    }
    if (!kit.hasControl) return;
    await kit.control.kill();
    gateway.clear();
    await kit.control.start();
    const after = (await kit.expect('A registration', () => gateway.of('register')[0])).body['incarnationId'];
    if (after !== before) return;
    throw new RuleBroken(
      'A process draws a new incarnation id when it starts.',
      `It was killed and started, and registered as ${String(after)} again.`,
    );
  },
};

/** The broker registers under the kit's eyes, without being started anew. */
async function register(kit: Kit): Promise<SeenRequest> {
  const { gateway } = kit;
  loseRegistration(kit);
  const registration = await nextRegistration(kit);
  await kit.expect('An acknowledgement', () => gateway.of('heartbeat').find(isUnfenced));
  return registration;
}

/** Its next registration, unless it does not heed what its heartbeats are answered. */
async function nextRegistration(kit: Kit): Promise<SeenRequest> {
  const { gateway } = kit;
  const isIgnoring = (): boolean => gateway.of('heartbeat').length > heartbeatsUnderWay + 1;
  const seen = await kit.expect('A registration', () => {
    const [first] = gateway.of('register');
    return first ?? (isIgnoring() ? null : undefined);
  });
  if (seen === null) throw new Inconclusive('It does not register again when it is told to.');
  return seen;
}

/** Far above the pauses between two attempts. */
const finalForMs = 3_000;

const registerOwnCluster: Check = {
  rule: 'register-own-cluster',
  needsCommand: true,
  run: async (kit) => {
    const { gateway, control } = kit;
    await control.kill();
    gateway.clear();
    gateway.treat('register', {
      type: 'refuse',
      code: 'INCONSISTENT_CLUSTER_ID',
      message: 'The conformance kit says that the broker belongs to another cluster.',
    });
    await control.start();
    await kit.expect('A registration', () => gateway.of('register').find(({ answer }) => answer !== null));
    await pause(finalForMs);
    const attempts = gateway.of('register').length;
    if (attempts === 1) return;
    throw new RuleBroken(
      'INCONSISTENT_CLUSTER_ID is final: the broker stops.',
      `It was answered so, and registered ${attempts - 1} times more within ${finalForMs} ms.`,
    );
  },
};

const duplicates = 3;

const registerWait: Check = {
  rule: 'register-wait',
  run: async (kit) => {
    const { gateway } = kit;
    loseRegistration(kit);
    let refused = 0;
    gateway.treat('register', () => {
      if (refused++ >= duplicates) return { type: 'pass' };
      const message = 'The conformance kit says that another incarnation is alive.';
      return { type: 'refuse', code: 'DUPLICATE_BROKER_REGISTRATION', message };
    });
    const sinceMs = performance.now();
    await nextRegistration(kit);
    const passed = await kit.find(() => gateway.of('register')[duplicates]);
    const attempts = gateway.of('register');
    const other = attempts.find(({ body }) => body['brokerId'] !== kit.brokerId);
    if (other !== undefined) {
      throw new RuleBroken(
        'A broker whose id is in use takes no other one.',
        `Broker ${kit.brokerId} was told so, and registered as ${String(other.body['brokerId'])}.`,
      );
    }
    if (passed !== null) return;
    kit.missing(
      sinceMs,
      'A broker whose id is in use asks again until that session is over.',
      `It asked ${attempts.length} times, and not again within ${patienceMs} ms.`,
    );
  },
};

/** One or two may have been under way. */
const heartbeatsUnderWay = 3;

async function ledTopic(kit: Kit): Promise<KitTopic> {
  await kit.settleData();
  const topic = await kit.data.createLed([]);
  kit.gateway.requests = [];
  return topic;
}

const registerAgain: Check = {
  rule: 'register-again',
  run: async (kit) => {
    const { gateway } = kit;
    const topic = kit.hasData ? await ledTopic(kit) : null;
    loseRegistration(kit);
    let release = (): void => {};
    const looked = new Promise<void>((resolve) => {
      release = resolve;
    });
    // Whoever registers again has heard that its registration is lost.
    gateway.treat('register', { type: 'postpone', until: looked });
    const sinceMs = performance.now();
    const isOver = (): boolean =>
      gateway.of('register').length > 0 || gateway.of('heartbeat').length > heartbeatsUnderWay + 1;
    await kit.find(() => isOver() || undefined);
    if (gateway.of('register').length > 0) {
      if (topic !== null && isAcknowledged(await kit.data.produce(topic, '1', 300))) {
        throw new RuleBroken(
          'A broker that is answered STALE_BROKER_EPOCH stops leading at once.',
          'It was, and acknowledged a record before it had registered again.',
        );
      }
      release();
      return;
    }
    const heartbeats = gateway.of('heartbeat').length;
    if (heartbeats > heartbeatsUnderWay) {
      throw new RuleBroken(
        'A broker that is answered STALE_BROKER_EPOCH registers again.',
        `It was answered so ${heartbeats - 1} times, and sent another heartbeat under the same epoch.`,
      );
    }
    kit.missing(
      sinceMs,
      'A broker that is answered STALE_BROKER_EPOCH registers again.',
      `It was, and did not register within ${patienceMs} ms.`,
    );
  },
};

export const registrationChecks: readonly Check[] = [
  registerOnce,
  registerOwnCluster,
  registerWait,
  registerAgain,
];
